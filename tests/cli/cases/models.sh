# SPDX-License-Identifier: MIT
tilewright models list
tilewright models list --json | json-keys models >/dev/null && echo object
tilewright models info photo-2x --json | json-keys name scale
tilewright models info phot-2x; echo $?
tilewright models info; echo $?
