# SPDX-License-Identifier: MIT
tilewright upscale none.png out.png
