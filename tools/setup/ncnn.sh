#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Build ncnn once into the cache, outside the checkout, keyed by version, flags and compiler; print its prefix on stdout.
# A second run finds it. `ncnn.sh --openmp` builds the variant that only the benchmarks use.
. "$(dirname "$0")/cache.sh"
. "$(dirname "$0")/fetch.sh"

VERSION=1.0.20261020
SHA256=ad8cdd63e9755cfa8e23b9b6d9ce46156077d80298a89e7c3ba325ffccfca200
OPENMP=OFF
VULKAN=ON
[ "${1:-}" = --openmp ] && OPENMP=ON VULKAN=OFF

# What a picture net never uses, and instruction sets that bring nothing in float32.
LAYERS_OFF="embed lrn proposal roipooling spp rnn lstm priorbox detectionoutput yolodetectionoutput yolov3detectionoutput
psroipooling roialign statisticspooling gru convolution1d pooling1d convolutiondepthwise1d convolution3d
convolutiondepthwise3d pooling3d deconvolution1d deconvolutiondepthwise1d deconvolution3d deconvolutiondepthwise3d
spectrogram inversespectrogram rotaryembed sdpa quantize requantize dequantize cumulativesum diag einsum"
FLAGS="-DCMAKE_BUILD_TYPE=Release -DNCNN_SHARED_LIB=OFF -DNCNN_C_API=ON -DNCNN_VULKAN=$VULKAN -DNCNN_OPENMP=$OPENMP
-DNCNN_BUILD_TOOLS=OFF -DNCNN_BUILD_EXAMPLES=OFF -DNCNN_BUILD_BENCHMARK=OFF -DNCNN_BUILD_TESTS=OFF -DNCNN_INT8=OFF
-DNCNN_BF16=OFF -DNCNN_WEIGHT_QUANT=OFF -DNCNN_PIXEL_ROTATE=OFF -DNCNN_PIXEL_AFFINE=OFF -DNCNN_PIXEL_DRAWING=OFF
-DNCNN_XOP=OFF -DNCNN_FMA4=OFF -DNCNN_AVXVNNI=OFF -DNCNN_AVXVNNIINT8=OFF -DNCNN_AVXVNNIINT16=OFF
-DNCNN_AVXNECONVERT=OFF -DNCNN_AVX512VNNI=OFF -DNCNN_AVX512BF16=OFF -DNCNN_AVX512FP16=OFF"
for layer in $LAYERS_OFF; do FLAGS="$FLAGS -DWITH_LAYER_$layer=OFF"; done

FLAGS=$(echo $FLAGS)
KEY=$(printf '%s\n' "$VERSION" "$FLAGS" "$(c++ -dumpfullversion -dumpmachine)" | sha256sum | cut -c1-12)
PREFIX="$TW_CACHE/ncnn-$VERSION-$KEY"
if [ -f "$PREFIX/complete" ]; then echo "$PREFIX"; exit 0; fi

fetch ncnn "$SHA256" "ncnn-$VERSION.tar.gz"
work=$(mktemp -d "$TW_CACHE/ncnn-build.XXXXXX")
trap 'rm -rf "$work"' EXIT
tar -xzf "$TW_CACHE/downloads/ncnn-$VERSION.tar.gz" -C "$work" --strip-components=1
say "building ncnn $VERSION (once, some minutes)"
start=$(date +%s)
cmake -G Ninja -S "$work" -B "$work/build" -DCMAKE_INSTALL_PREFIX="$work/prefix" $FLAGS >"$work/log" 2>&1 &&
    ninja -C "$work/build" install >>"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; die "ncnn did not build"; }
touch "$work/prefix/complete"
rm -rf "$PREFIX"
mv "$work/prefix" "$PREFIX"
say "ncnn built in $(($(date +%s) - start)) s"
echo "$PREFIX"
