# The everyday commands. Meson does the work; `make` alone builds build/aisle.

JOBS ?= $(shell nproc)

.PHONY: build
build: build/build.ninja
	ninja -C build -j $(JOBS)

build/build.ninja:
	meson setup build

build/debug/build.ninja:
	meson setup build/debug --buildtype debug

.PHONY: test
test: build build/debug/build.ninja
	meson test -C build
	meson test -C build/debug

# Lays out every C file by .clang-format.
.PHONY: format
format:
	find src tests -name '*.[ch]' -exec clang-format -i {} +

.PHONY: lint
lint:
	tools/check

.PHONY: install
install: build
	meson install -C build

.PHONY: clean
clean:
	rm -rf build
