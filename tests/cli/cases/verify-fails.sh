# SPDX-License-Identifier: MIT
# Too little context must be seen, whatever it is called.
make-picture in.png 96 64
tilewright verify in.png --tiles 16 --schedule halo --halo 0
echo "exit $?"
tilewright verify in.png --tiles 16 --schedule halo --halo 0 --json | json-keys op pass
tilewright verify in.png --tiles 16 --schedule halo --halo 0 --bound 250 --quiet && echo 'within 250/255'
