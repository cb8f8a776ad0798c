# SPDX-License-Identifier: MIT
# Every target does its own set-up on a bare Debian 12 (root or sudo). Meson builds; this file only names the ways in.
BUILD ?= build
PREFIX ?= /usr/local

.PHONY: all build demo test bench install docs format check evaluate clean setup test-setup

all: build

setup:
	@tools/setup/debian.sh

test-setup:
	@tools/setup/debian.sh test

# The result is build/tilewright.
build: setup
	@tools/setup/build.sh $(BUILD)

# A real photograph, twice the size, by the embedded model.
demo: build
	@tools/demo.sh $(BUILD)

test: test-setup build
	@tools/test/all.sh $(BUILD)

bench: test-setup build
	@bench/run.sh $(BUILD)

install: build
	@meson configure $(BUILD) -Dprefix=$(PREFIX) && meson install -C $(BUILD)

docs: build
	@tools/docs/generate.sh $(BUILD)

format: test-setup
	@tools/check/format.sh --fix

check: test-setup
	@python3 tools/check/arrows.py && tools/check/format.sh

clean:
	@rm -rf $(BUILD) $(BUILD)-*
