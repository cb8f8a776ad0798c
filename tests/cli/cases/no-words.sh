# SPDX-License-Identifier: MIT
tilewright
