/* SPDX-License-Identifier: MIT */
#include "model/packing.h"

#include <math.h>
#include <string.h>

#include "model/layers.h"

bool tw_type_listed(const char *type, const char *names)
{
    size_t n = strlen(type);
    for (const char *at = strstr(names, type); at; at = strstr(at + 1, type))
        if ((at == names || at[-1] == ' ') && (at[n] == ' ' || at[n] == 0))
            return true;
    return false;
}

bool tw_layer_packs(const tw_layer *l)
{
    static const char names[] =
        "AbsVal BatchNorm BinaryOp BNLL Cast Clip Concat Convolution ConvolutionDepthWise Crop Deconvolution "
        "DeconvolutionDepthWise DeformableConv2D Dropout Eltwise ELU Erf Flatten GELU Gemm GridSample "
        "GroupNorm HardSigmoid HardSwish InnerProduct Interp LayerNorm Mish MultiHeadAttention Normalize "
        "Padding Permute Pooling PReLU ReLU Reshape RMSNorm Scale SELU ShuffleChannel Sigmoid Slice Softmax "
        "Swish TanH UnaryOp DeepCopy Input Noop Split TwConvolution TwWindow";
    if (!strcmp(l->type, "Pooling") && tw_layer_int(l, 7, 0))
        return false;
    return tw_type_listed(l->type, names);
}

bool tw_layer_any_pack(const tw_layer *l)
{
    return tw_type_listed(l->type, "Clip HardSigmoid Permute Noop Cast DeepCopy");
}

bool tw_layer_in_place(const tw_layer *l)
{
    static const char names[] =
        "AbsVal BatchNorm Bias BNLL CELU Clip CumulativeSum Dropout ELU Erf Exp GELU GroupNorm HardSigmoid "
        "HardSwish InstanceNorm LayerNorm Log LRN Mish Noop Normalize Power PReLU ReLU RMSNorm Scale SELU "
        "Shrink Sigmoid Softmax Softplus Swish TanH Threshold UnaryOp";
    if (!strcmp(l->type, "BinaryOp"))
        return l->n_inputs == 1;
    return tw_type_listed(l->type, names);
}

int tw_crop_first(const tw_layer *l, int channels)
{
    const tw_param *starts = tw_layer_param(l, 9), *axes = tw_layer_param(l, 11);
    if (!starts || !starts->values)
        return tw_layer_int(l, 2, 0);
    for (int i = 0; i < starts->n; i++) {
        double axis = axes && axes->values && i < axes->n ? axes->values[i] : i, v = starts->values[i];
        if (axis == 0 || axis == -3)
            return v == -233 || !(fabs(v) < TW_MAX_CHANNELS) ? 0 : v < 0 ? (int)v + channels : (int)v;
    }
    return 0;
}
