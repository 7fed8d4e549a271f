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

.PHONY: install
install: build
	meson install -C build

.PHONY: clean
clean:
	rm -rf build
