# SPDX-License-Identifier: MIT
tilewright help upscal
