# SPDX-License-Identifier: MIT
make-picture in.png 40 30
for words in none.png in.png\ --tiles=16,,32 in.png\ --tiles=x in.png\ --crop=0 in.png\ --bound=-1 in.png\ --tiles=500\ --tta - '' \
    in.png\ in.png in.png\ --memory=10M in.png\ --format=png; do
    tilewright verify $words
    echo "exit $?"
done
ls
