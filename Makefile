# SPDX-License-Identifier: MIT
# Every target does its own set-up on a bare Debian 12 (root or sudo). Meson builds; this file only names the ways in.
BUILD ?= build
PREFIX ?= /usr/local

.PHONY: all build demo test test-large bench evaluate judges fuzz install docs format check clean setup test-setup

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

# A 30,000 x 20,000 mosaic within 256 MiB: half an hour and 10 GB of disk.
test-large: test-setup build
	@tools/test/large.sh $(BUILD)

bench: test-setup build
	@bench/run.sh $(BUILD)
	@bench/register.sh $(BUILD)
	@bench/batch.sh $(BUILD)

# Quality of the built-in nets beside others, on pictures that no training saw: half an hour.
evaluate: test-setup build
	@tools/evaluate.sh $(BUILD)

# Fields and warped pictures beside elastix, transformix and SimpleITK.
judges: test-setup build
	@tools/judges.sh $(BUILD)

# Every file of the corpus, then some minutes of search.
fuzz: test-setup build
	@fuzz/replay.sh $(BUILD) --seconds 300

# DESTDIR=folder stages it, for packages.
install: build
	@meson configure $(BUILD) -Dprefix=$(PREFIX) && meson install -C $(BUILD)
	@[ -n "$(DESTDIR)" ] || ldconfig 2>/dev/null || true

docs: build
	@tools/docs/generate.sh $(BUILD)

format: test-setup
	@tools/check/format.sh --fix

check: test-setup
	@python3 tools/check/arrows.py && tools/check/format.sh

clean:
	@rm -rf $(BUILD) $(BUILD)-*
