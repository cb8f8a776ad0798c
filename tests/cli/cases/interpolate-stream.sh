# SPDX-License-Identifier: MIT
# y4m streams: given frames pass as they are, depth and chroma stay, a truncated one is an error
PATH=$PATH:$(dirname "$(command -v tilewright)")/../../tests/pairs
make_flow small .
for chroma in 420jpeg 422 444 420p10 mono; do
    make-y4m in.y4m 70 50 3 $chroma
    make-y4m --list in.y4m | tail -n +2 >given
    tilewright interpolate --model small.param --factor 2 --quiet - - <in.y4m >between.y4m
    make-y4m --list between.y4m >all
    sed -n '1p;2p;4p;6p' all | tail -n +2 | diff - given
    head -1 all
    grep -c '^FRAME [0-9]' all
done
make-y4m in.y4m 70 50 2 420
tilewright interpolate in.y4m file.y4m --model small.param --factor 4
make-y4m --list file.y4m | wc -l
make-y4m short.y4m 70 50 3 420 12000
tilewright interpolate - - --model small.param --quiet <short.y4m >cut.y4m; echo $?
tilewright interpolate short.y4m out.y4m --model small.param --quiet; echo $?
printf 'YUV4MPEG2 W70 H50 F25:1 It C420\n' | tilewright interpolate - - --model small.param; echo $?
printf 'YUV4MPEG2 W0 H50 F25:1\n' | tilewright interpolate - - --model small.param; echo $?
printf 'P6 nothing' | tilewright interpolate - - --model small.param; echo $?
printf 'YUV4MPEG2 W70 H50 F25:1\n' | tilewright interpolate - - --model small.param | head -c 0; echo "${PIPESTATUS[1]}"
tilewright interpolate in.y4m out.png --model small.param; echo $?
ls out.* 2>/dev/null
