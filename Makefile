# The front door; behind it stand Meson and meson-python. `make` alone lists the words.
#
#   build/          one Meson build folder for the program, the extension of .venv and the C tests
#   .venv/          the interpreter of every day, with the package and the program installed
#   .venvs/3.X/     the same for each other Python that tools/pythons.sh finds
#   build-*/        sanitizers, fuzzers
#   build/results/  what the tests said, as JUnit XML; tools/sum_tests.py adds it up
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3#         makes .venv
WERROR ?= false#           true: warnings of the compiler are errors
T ?=#                      one test by name (make test T=map); seconds for make fuzz
FUZZ ?=#                   one fuzzer by name; empty: all
UPDATE ?=#                 1: rewrite golden files
export UPDATE

IN_VENV := PATH="$(CURDIR)/.venv/bin:$$PATH"
SETUP_ARGS := -Dbuildtype=release -Db_ndebug=false -Db_vscrt=md -Dwerror=$(WERROR)
SOURCES := $(shell find src python $(wildcard compat) pyproject.toml meson.build meson_options.txt -type f \
             -not -path '*/__pycache__/*' -not -path '*.egg-info/*' -not -path 'compat/build/*')
VERSIONS := 3.8 3.9 3.10 3.11 3.12 3.13
PY_TESTS := $(wildcard tests/py tests/kql tests/e2e tests/tools tests/web)

help: ## list these words
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- what everything stands on ---------------------------------------------------------------------

build/.system: tools/setup.sh tools/can_build.py
	@mkdir -p build
	PYTHON=$(PYTHON) tools/setup.sh build
	@touch $@

build/.system-%: tools/setup.sh build/.system
	PYTHON=$(PYTHON) tools/setup.sh $*
	@touch $@

.venv/.tools: tools/requirements.txt tools/venv.sh | build/.system
	tools/venv.sh .venv $(PYTHON) tools/requirements.txt
	@touch $@

.venv/.lint: tools/requirements-lint.txt .venv/.tools
	.venv/bin/pip install -q --disable-pip-version-check -r $<
	@touch $@

.venv/.real: tools/requirements-real.txt .venv/.tools
	.venv/bin/pip install -q --disable-pip-version-check --prefer-binary -r $<
	@touch $@

build/.azurite: tools/azurite.sh | build/.system
	@tools/azurite.sh build/azurite
	@touch $@

# A modern ClickHouse for tests. Where chdb does not install, its tests say so and are left out.
.venvs/scale/.chdb: tools/requirements-scale.txt tools/venv.sh | build/.system
	tools/venv.sh .venvs/scale $(PYTHON) $< || echo "chdb does not install here: no tests on a modern ClickHouse"
	@mkdir -p .venvs/scale && touch $@

# Meson itself notices changed meson.build files; this rule is for the first time, and for a
# folder left half-configured.
build/build.ninja: .venv/.tools
	$(IN_VENV) meson setup build $(SETUP_ARGS) $(if $(wildcard build/build.ninja),--reconfigure)
	@touch $@

# --- words -----------------------------------------------------------------------------------------

setup: build/build.ninja build/.system-test build/.system-lint .venv/.lint ## install all that development needs

build: build/.installed ## the program (build/memline) and the package in .venv
	@echo "built: build/memline, .venv/bin/python with the package memline"
build/.installed: $(SOURCES) tools/install.sh .venv/.tools | build/build.ninja
	$(IN_VENV) ninja -C build
	$(IN_VENV) tools/install.sh .venv build
	@touch $@

test: build build/.system-test ## C units, Python on this interpreter, the arrows; T=name for one
	@rm -rf build/results && mkdir -p build/results
	@status=0; \
	$(MAKE) --no-print-directory test-c T=$(T) || status=1; \
	$(MAKE) --no-print-directory test-py T=$(T) || status=1; \
	.venv/bin/python tools/check_layers.py || status=1; \
	.venv/bin/python tools/sum_tests.py build/results || status=1; \
	exit $$status

test-c: build build/.system-test
	@mkdir -p build/results
	$(IN_VENV) meson setup build $(SETUP_ARGS) -Dtests=true --reconfigure >/dev/null
	$(IN_VENV) tools/test_c.sh build c $(T)

test-py: build build/.system-test .venv/.real build/.azurite .venvs/scale/.chdb
	@mkdir -p build/results
	@tools/test_py.sh .venv "$(T)" $(PY_TESTS)

test-all: test test-pythons san san-py tsan lint docs ## every installed Python, sanitizers, lint, documents

test-pythons: build ## the Python suite on each other installed Python, two at a time
	@tools/pythons.sh --missing-as-junit >build/results/py-missing.xml
	@$(MAKE) --no-print-directory -j2 -k --output-sync=target \
	    $$(tools/pythons.sh --but .venv | awk '$$2 != "-" { print "test-py-" $$1 }')

test-arm64: ## the core's C tests on 64-bit ARM, by QEMU; T=name for one
	@tools/test_arm64.sh build/arm64 $(T)

$(VERSIONS:%=test-py-%): test-py-%: .venvs/%/.installed
	@mkdir -p build/results
	@tools/test_py.sh .venvs/$* "$(T)" tests/py

$(VERSIONS:%=.venvs/%/.tools): .venvs/%/.tools: tools/requirements.txt tools/venv.sh
	tools/venv.sh .venvs/$* "$$(tools/pythons.sh | awk '$$1 == "$*" { print $$2 }')" $<
	@touch $@

$(VERSIONS:%=.venvs/%/.installed): .venvs/%/.installed: .venvs/%/.tools build/.installed
	tools/install.sh .venvs/$* build/py-$* -Dprogram=false -Dwerror=$(WERROR)
	@touch $@

san: build/.system-test .venv/.tools ## the C tests under address and undefined-behaviour sanitizers
	@mkdir -p build/results
	$(IN_VENV) tools/sanitizer.sh address,undefined build-san

san-py: .venvs/asan/.installed ## the Python suite under the address sanitizer
	@mkdir -p build/results
	@LD_PRELOAD="$$(cc -print-file-name=libasan.so) $$(cc -print-file-name=libubsan.so)" \
	    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1 \
	    tools/test_py.sh .venvs/asan "$(T)" tests/py -m "not figures"

.venvs/asan/.installed: tools/requirements.txt tools/venv.sh build/.installed
	tools/venv.sh .venvs/asan $(PYTHON) $<
	tools/install.sh .venvs/asan build/py-asan -Dprogram=false -Dbuildtype=debugoptimized \
	    -Db_sanitize=address,undefined -Db_lundef=false
	@touch $@

tsan: build/.system-test .venv/.tools ## the C tests under the thread sanitizer
	@mkdir -p build/results
	$(IN_VENV) tools/sanitizer.sh thread build-tsan

fuzz: build/.system-lint .venv/.tools ## every fuzzer for T=10 seconds each; FUZZ=name for one
	$(IN_VENV) tools/fuzz.sh "$(FUZZ)" "$(or $(T),10)"

lint: setup ## formatting, clang-tidy, ruff, mypy, the arrows between folders
	$(IN_VENV) tools/lint.sh

format: setup ## clang-format and ruff, in place
	git ls-files '*.c' '*.h' | xargs -r clang-format -i
	.venv/bin/ruff format -q .
	.venv/bin/ruff check -q --fix-only .

kql-score: build ## how many of the real engine's frozen answers ours gives (CORPUS=file)
	.venv/bin/python tools/kql_score.py --corpus "$(or $(CORPUS),../shared/corpora/kql-dev.jsonl)" \
	    -- build/memline query --batch

kql-scale: build build/.system-test .venvs/scale/.chdb ## what ClickHouse answers beside our engine (CORPUS=file)
	.venv/bin/python tools/kql_scale.py --corpus "$(or $(CORPUS),../shared/corpora/kql-dev.jsonl)" build/memline

docs: build .venv/.real ## run the examples in the documents
	.venv/bin/python tools/run_docs.py README.md ARCHITECTURE.md CONTRIBUTING.md docs

cpython-tests: build .venvs/$(or $(V),3.11)/.installed ## CPython's own tests plainly and under memline; V=3.13, T="test_gc ..."
	@.venv/bin/python tools/cpython_tests.py --log build/cpython-tests.log .venvs/$(or $(V),3.11)/bin/python $(T)

demo: build .venv/.real ## the tutorial from init to the rows of the published query, and reports of real code
	@$(IN_VENV) tools/demo.sh

page: build build/.system-test ## the picture of the report page in docs, anew
	@$(IN_VENV) tools/page_picture.sh

bench: bench-line ## interleaved benchmarks

BENCH_VERSIONS := 3.11 3.12 3.13
BENCH_HERE = $(shell tools/pythons.sh | awk '$$2 != "-" { print $$1 }' | grep -xF "$$(printf '%s\n' $(BENCH_VERSIONS))")

bench-line: build ## line events beside memory_profiler and line_profiler; R=5 rounds
	@$(MAKE) --no-print-directory $(BENCH_HERE:%=.venvs/bench-%/.installed)
	@mkdir -p build/results
	@.venv/bin/python bench/line/run.py --rounds $(or $(R),5) --log build/results/bench-line.jsonl \
	    $(BENCH_HERE:%=.venvs/bench-%/bin/python)

BENCH_HEAP_HERE = $(if $(PYTHONS),$(PYTHONS),$(filter 3.11 3.13,$(BENCH_HERE)))
BENCH_HEAP_ENVIRONMENTS = $(BENCH_HEAP_HERE:%=.venvs/bench-heap-%/.installed)
BENCH_HEAP_PYTHONS = $(BENCH_HEAP_HERE:%=.venvs/bench-heap-%/bin/python)

bench-heap: build ## heap accounting beside its peers; R=rounds, PYTHONS="3.11 3.13", ROWS=w1_churn,small TOOLS=heap,memray
	@$(MAKE) --no-print-directory $(BENCH_HEAP_ENVIRONMENTS)
	@mkdir -p build/results
	@.venv/bin/python bench/heap/run.py --rounds $(or $(R),5) --rows "$(ROWS)" --tools "$(TOOLS)" \
	    --log build/results/bench-heap.jsonl --table build/results/bench-heap.md --folder build/results \
	    $(BENCH_HEAP_PYTHONS)

bench-heap-count: build build/.system-bench build/bench-heap-counter.so ## instructions of it, beside the ratios kept in the tree; UPDATE=1
	@$(MAKE) --no-print-directory $(BENCH_HEAP_ENVIRONMENTS)
	@.venv/bin/python bench/heap/count.py $(if $(UPDATE),--update) --rows "$(ROWS)" \
	    --counter build/bench-heap-counter.so $(BENCH_HEAP_PYTHONS)

build/bench-heap-counter.so: bench/heap/counter.c build/.system-bench
	$(CC) -shared -fPIC -O2 -Wall -Wextra -o $@ $<

bench-host: build .venv/.real build/.system-bench ## the Functions host: start, latency, throughput, memory; N=1000000 requests
	@.venv/bin/python bench/host/run.py --program build/memline --python .venv/bin/python \
	    $(if $(N),--requests $(N))

bench-kql: build .venvs/bench-kql/.installed ## KQL beside DuckDB, chdb, SQLite; N=rows, R=rounds, DATA=folder
	@mkdir -p build/results
	@.venvs/bench-kql/bin/python bench/kql/run.py --program build/memline \
	    --data "$(or $(DATA),build/bench-kql-$(or $(N),10000000))" --rows $(or $(N),10000000) \
	    --rounds $(or $(R),5) --log build/results/bench-kql.jsonl

.venvs/bench-kql/.installed: bench/kql/requirements.txt
	$(PYTHON) -m venv .venvs/bench-kql
	.venvs/bench-kql/bin/python -m pip install -q --disable-pip-version-check -r $<
	@touch $@

bench-line-instructions: build build/.system-bench ## instructions of one line event; LIMIT=n fails above n
	@$(MAKE) --no-print-directory $(BENCH_HERE:%=.venvs/bench-%/.installed)
	@for v in $(BENCH_HERE); do .venv/bin/python bench/line/instructions.py \
	    $(if $(LIMIT),--limit $(LIMIT)) .venvs/bench-$$v/bin/python || exit 1; done

$(BENCH_VERSIONS:%=.venvs/bench-%/.installed): .venvs/bench-%/.installed: bench/line/environment.sh \
        bench/line/requirements.txt tools/requirements.txt build/.installed
	bench/line/environment.sh .venvs/bench-$* "$$(tools/pythons.sh | awk '$$1 == "$*" { print $$2 }')" \
	    build/bench-$*
	@touch $@

$(BENCH_VERSIONS:%=.venvs/bench-heap-%/.installed): .venvs/bench-heap-%/.installed: bench/heap/environment.sh \
        bench/heap/requirements.txt tools/requirements.txt build/.installed
	bench/heap/environment.sh .venvs/bench-heap-$* "$$(tools/pythons.sh | awk '$$1 == "$*" { print $$2 }')" \
	    build/bench-heap-$*
	@touch $@

changelog: ## what the next release will say
	@$(PYTHON) tools/changelog.py --show

clean: ## back to a fresh checkout
	rm -rf build build-* .venv .venvs .pytest_cache .hypothesis .mypy_cache .ruff_cache compat/build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help kql-scale setup build test test-c test-py test-all test-pythons test-arm64 $(VERSIONS:%=test-py-%) \
        san san-py tsan fuzz lint format docs demo page bench bench-line bench-heap bench-heap-count bench-host bench-kql \
        bench-line-instructions cpython-tests changelog clean
