# SPDX-License-Identifier: MIT
# frames in between are made side by side: the same bytes and messages, in order, for any number of threads, inside the budget
PATH=$PATH:$(dirname "$(command -v tilewright)")/../../tests/pairs
make_flow small .
run() {
    tilewright interpolate "$@" --model small.param --factor 3 --quiet --json | tee report | json-keys made
    peak=$(sed 's/.*"peak_bytes":\([0-9]*\).*/\1/' report)
    [ -n "$ASAN_OPTIONS" ] || [ "$peak" -le "${memory}000000" ] || echo "$peak bytes of $memory MB"
}
make-y4m in.y4m 320 240 12 420jpeg
for memory in 95 110 500; do
    run in.y4m one.y4m --memory ${memory}000000 --threads 1 --overwrite
    for threads in 2 3 8; do
        run in.y4m more.y4m --memory ${memory}000000 --threads $threads --overwrite
        cmp one.y4m more.y4m
    done
done
make-y4m one-frame.y4m 320 240 1 420jpeg
run one-frame.y4m same.y4m
make-y4m --list same.y4m
for memory in 2M 85M 86M; do
    tilewright interpolate in.y4m out.y4m --model small.param --memory $memory; echo $?
done

for i in 1 2; do printf 'FRAME\n'; head -c 6000000 /dev/zero; done | sed '1s/^/YUV4MPEG2 W3000 H2000 F25:1 Cmono\n/' >large.y4m
tilewright interpolate large.y4m out.y4m --model small.param --memory 190M; echo $?

# where nothing moves only the first frame is told
for i in 1 2 3; do tail -c 115209 one-frame.y4m; done | cat in.y4m - >still.y4m
tilewright interpolate still.y4m still-out.y4m --model small.param

mkdir frames
for i in 1 2 3 4 5 6 7; do make_flow frames 160x120 $((2 * i)) x.png frames/f$i.png; done
make-picture --grain frames/f4.png 160 120
for threads in 1 2 5; do
    tilewright interpolate frames f$threads --model small.param --factor 2 --threads $threads
    diff -r f1 f$threads
done
head -c 3000 frames/f3.png >half.png && mv half.png frames/f3.png
for threads in 1 2 5; do
    tilewright interpolate frames broken$threads --model small.param --factor 2 --threads $threads; echo $?
    for f in f1 f2 f3; do cmp f1/$f.png broken$threads/$f.png; done
    ls -A broken$threads | grep -v '^f[123789][0-9]*.png$' || true
done
