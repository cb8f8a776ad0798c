# SPDX-License-Identifier: MIT
tilewright help
tilewright --help | cmp - <(tilewright help) && echo same
