# Every command does its own set-up: .ci/setup makes .venv, and renews it when requirements.lock or pyproject.toml
# has changed. PYTHON=/path/to/python3 chooses the interpreter.
PYTHON ?=
BENCH ?=
LIVES ?= 2000
TESTS ?=
BIN := .venv/bin
# A test waits for half of its time, so that five processes fill the two cores that all times are given for.
PYTEST := $(BIN)/python -m pytest -n 5
SCRIPTS := . .ci docs docs/_generator examples/demo examples/adopt-and-cancel examples/automation-api \
	examples/cleanup-before-network examples/environment-per-pull-request examples/teardown-hook provider/plugin bench \
	bench/programs

# The many processes of the tests would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

# A CLI that `make demo` has installed serves the tests too, where there is none on the PATH.
export PATH := $(PATH):$(CURDIR)/.pulumi/bin

.PHONY: help setup demo test test-long long-tests long-lives matrix bench check lint types rooms changelog docs dist \
	lock clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 16

setup: ## Make .venv with everything in it (the other commands do this themselves)
	@.ci/setup "$(PYTHON)"

demo: setup ## Create, await, cancel, delete and destroy a batch, against a simulated API
	@$(BIN)/python examples/demo

test: setup ## Run the tests except the long ones (4 minutes; 7 with a Pulumi CLI); TESTS=folder for some
	$(PYTEST) $(TESTS)

test-long: ## Run the tests that `make test` leaves out, and the whole version matrix (hours)
	@echo "test-long: every scenario on the engine, a kill at every API call, PostgreSQL, packages in clean"
	@echo "test-long: environments, the bench at its smallest size; $(LIVES) random lives; the whole version matrix"
	@$(MAKE) --no-print-directory --keep-going long-tests long-lives matrix

long-tests: setup
	$(PYTEST) -m long $(TESTS)

long-lives: setup
	ANCHORBROWSER_TEST_EXAMPLES=$(LIVES) $(PYTEST) tests/properties --timeout 14400

matrix: setup
	.ci/matrix

bench: setup ## Measure everything on this machine (half an hour); BENCH=--quick to try it
	$(BIN)/python -m bench $(BENCH)

check: lint types rooms changelog ## Lint, format, types, the arrows between rooms, the changelog

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy
	@# One run for each: every example has a __main__.py of its own.
	@for folder in $(SCRIPTS); do echo "$(BIN)/mypy $$folder/*.py"; $(BIN)/mypy "$$folder"/*.py || exit 1; done

rooms: setup
	$(BIN)/lint-imports

changelog: setup
	$(BIN)/python .ci/changelog.py

docs: setup ## Build the documentation as a site into build/docs, every warning an error
	$(BIN)/python docs/_generator
	$(BIN)/sphinx-build -W --keep-going -n -q -b html docs build/docs
	@echo "build/docs/index.html"

dist: setup ## Build the source archive and the wheel into dist/, the plugin's archives into build/plugin/; check them
	rm -rf dist build/plugin
	$(BIN)/python -m build --no-isolation
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl
	$(BIN)/python .ci/plugin.py dist/*.whl build/plugin

lock: setup ## Resolve the dependencies anew into requirements.lock
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.10 --upgrade \
		--generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock

clean: ## Remove everything that was installed or cached here
	rm -rf .venv provider/plugin/.venv .pulumi .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .cache dist build
