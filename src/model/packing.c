/* SPDX-License-Identifier: MIT */
#include "model/packing.h"

#include <string.h>

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
