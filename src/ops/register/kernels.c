/* SPDX-License-Identifier: MIT */
#include "ops/register/kernels.h"

#define TABLE(kind)                                                                                                            \
    static const tw_kernels_table kind = {tw_fft_columns_##kind, tw_cross_##kind,       tw_at_shift_##kind,                    \
                                          tw_refine_sums_##kind, tw_interpolate_##kind, tw_smooth_##kind}

TABLE(any);
#if defined(__x86_64__)
TABLE(avx2);
#endif

const tw_kernels_table *tw_kernels(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        return &avx2;
#endif
    return &any;
}
