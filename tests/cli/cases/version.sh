# SPDX-License-Identifier: MIT
tilewright --version
