# The everyday commands. Meson does the work; `make` alone builds build/aisle.

JOBS ?= $(shell nproc)
PYTHON_TESTS = build/venv/ready

.PHONY: build
build: build/build.ninja
	ninja -C build -j $(JOBS) aisle libaisle.so

build/build.ninja:
	meson setup build

build/debug/build.ninja:
	meson setup build/debug --buildtype debug

$(PYTHON_TESTS): tests/requirements.txt
	python3 -m venv build/venv
	build/venv/bin/pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
	touch $@

# Installs what is missing, builds, and runs the orders pipeline on a made-up week.
.PHONY: demo
demo:
	tools/install-packages build
	$(MAKE) --no-print-directory build
	tools/demo

# Builds what users get and a build with sanitizers, and ends with the count of all tests.
.PHONY: test
test:
	tools/install-packages build test
	$(MAKE) --no-print-directory build build/debug/build.ninja $(PYTHON_TESTS)
	ninja -C build -j $(JOBS) meson-test-prereq
	ninja -C build/debug -j $(JOBS) all meson-test-prereq
	@tests/run

# Apache Spark against the Parquet files of the library; needs Java, and half a gigabyte of packages the first time.
SPARK_TESTS = build/venv-spark/ready

$(SPARK_TESTS): tests/requirements-spark.txt
	python3 -m venv build/venv-spark
	build/venv-spark/bin/pip install --quiet --disable-pip-version-check --requirement tests/requirements-spark.txt
	touch $@

.PHONY: test-spark
test-spark: build $(SPARK_TESTS)
	ninja -C build -j $(JOBS) tests/parquet-tool
	build/venv-spark/bin/python -m pytest -q --no-header -p no:cacheprovider tests/spark/spark_parquet.py

# The requests of tests/contract/table_cases.py to this server and to DynamoDB Local, which needs Java 17, and Maven for
# its packages unless DYNAMODB_LOCAL is a folder that has them. It listens on every interface, so it has a network of its
# own.
DYNAMODB_LOCAL ?= build/dynamodb-local

build/dynamodb-local: tests/contract/dynamodb_local.xml
	mvn --quiet --batch-mode --file $< dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/$@

.PHONY: test-dynamodb
test-dynamodb: build $(PYTHON_TESTS) $(DYNAMODB_LOCAL)
	unshare --map-root-user --net sh -c 'ip link set lo up && build/venv/bin/python tests/contract/table_oracle.py \
	  $(DYNAMODB_LOCAL)'

# The torture suite over every single allocation.
.PHONY: torture
torture: build/debug/build.ninja $(PYTHON_TESTS)
	ninja -C build/debug -j $(JOBS)
	TORTURE_RUNS=0 tests/run torture

# Aisle beside its peers, from PyPI in their newest versions, on the same files; bench/run --help tells the settings.
.PHONY: bench
bench: build
	bench/run

# Spark too, which needs Java 17.
.PHONY: bench-spark
bench-spark: build
	BENCH_PEERS=spark bench/run kpi full

# FUZZ_SECONDS over all targets, 300 when it is not set.
.PHONY: fuzz
fuzz:
	tools/fuzz

# Random sequences of runs against the model for SOAK_SECONDS, 3600 when it is not set.
.PHONY: soak
soak: build $(PYTHON_TESTS)
	tools/soak

.PHONY: coverage
coverage: $(PYTHON_TESTS)
	tools/coverage

.PHONY: lint
lint:
	tools/check
	tools/analyse

# Lays out every C file by .clang-format.
.PHONY: format
format:
	find src tests -name '*.[ch]' -exec clang-format -i {} +

.PHONY: install
install: build
	meson install -C build --no-rebuild

.PHONY: clean
clean:
	rm -rf build
