# SPDX-License-Identifier: MIT
tilewright plan --help
tilewright models --help | head -n 3
