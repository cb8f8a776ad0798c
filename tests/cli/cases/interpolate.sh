# SPDX-License-Identifier: MIT
# a frame between two; numbered frames of a folder; what is refused is refused in one line
PATH=$PATH:$(dirname "$(command -v tilewright)")/../../tests/pairs
make_flow small .
make_flow frames 160x120 8 a.png b.png
make_flow frames 161x120 8 c.png d.png
make_flow frames 160x120 8 e.png f.png bits=16 bands=4
tilewright interpolate a.png b.png m.png --model small.param -t 0.25 --quiet --json | json-keys op width height model exact pair time canvas passes
tilewright plan interpolate a.png b.png whole.png --model small.param --tile-size 0 --json | json-keys schedule tiles kept
tilewright interpolate e.png f.png deep.png --model small-features.param --tile 48 --quiet --json | json-keys pair exact
tilewright interpolate a.png c.png out.png --model small.param; echo $?
tilewright interpolate a.png missing.png out.png --model small.param; echo $?
tilewright interpolate a.png e.png out.png --model small.param; echo $?
tilewright interpolate a.png b.png own.png --quiet --json | json-keys model exact pair
tilewright interpolate a.png b.png out.png --model photo-2x; echo $?
tilewright interpolate a.png b.png out.png --model small.param --sample-steps 3; echo $?
tilewright interpolate a.png b.png out.png --model small.param --memory 40M; echo $?
tilewright interpolate a.png a.png same.png --model small.param --quiet --json | json-keys pair
tilewright compare a.png same.png --quiet --json | json-keys max_difference
mkdir frames
for i in 8 9 10; do make_flow frames 96x64 $((3 * i)) x.png "frames/f$(printf %02d $i).png"; done
tilewright interpolate frames more --factor 3 --model small.param --quiet --json | json-keys frames made repeated copied skipped
ls more
cmp frames/f09.png more/f11.png
cp -r more again
rm again/f10.png again/f14.png
: >again/f12.png
tilewright interpolate frames again --factor 3 --model small.param --resume
diff -r more again
tilewright interpolate frames whole --factor 32 --model small.param --quiet
tilewright interpolate frames killed --factor 32 --model small.param --quiet &
until [ -e killed/f12.png ] || ! kill -0 $! 2>/dev/null; do sleep 0.02; done
kill -9 $!
wait 2>/dev/null
[ "$(ls killed | wc -l)" -lt "$(ls whole | wc -l)" ] || echo "it was not killed in the middle"
tilewright interpolate frames killed --factor 32 --model small.param --quiet --resume
diff -r whole killed
tilewright plan interpolate frames more --model small.param --json | json-keys op width
tilewright interpolate frames more --model small.param; echo $?
rm frames/f09.png
tilewright interpolate frames none --model small.param; echo $?
tilewright interpolate frames none --model small.param -t 0.3; echo $?
mkdir scenes
cp a.png scenes/s1.png
make-picture --grain scenes/s2.png 160 120
tilewright interpolate scenes cut --factor 2 --model small.param
tilewright compare scenes/s1.png cut/s2.png --quiet --json | json-keys max_difference
