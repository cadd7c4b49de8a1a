# One file for everything one does at the desk; continuous integration calls the same.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
COOL_DOWN := 2026-11-07
JOBS ?= 2
CLIENTS := tests/clients
INSTALL := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python

.PHONY: demo test check lint types audit contracts tests coverage setup setup-dev setup-clients chromium requirements migration truth benchmarks clean

demo: setup ## Watch the wheel turn on a simulated shop
	$(BIN)/volano demo $(DEMO)

test: setup-dev setup-clients chromium audit tests ## Everything that must hold, in under ten minutes

check: setup-dev setup-clients chromium lint types contracts audit tests ## What has to be green before a commit

setup: $(VENV)/.run ## A virtual environment with what the product needs

setup-dev: $(VENV)/.dev

setup-clients: $(CLIENTS)/node_modules/.done ## The tracking libraries that shops have, for the tests

lint:
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks

types:
	$(BIN)/mypy

audit: setup-dev ## Known weaknesses of what the product runs on
	$(BIN)/python .ci/audit

contracts:
	$(BIN)/lint-imports

tests:
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadfile $(TESTS)

coverage: setup-dev setup-clients chromium ## The tests again, with the lines and branches they miss
	$(BIN)/pytest --cov --cov-report=term:skip-covered

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Volano needs Python 3.11 or newer; name one with PYTHON=python3.12 make …" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "Python's venv module is missing; install it (Debian: apt-get install python3-venv)" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.run: $(BIN)/uv requirements/run.txt pyproject.toml
	$(INSTALL) --require-hashes -r requirements/run.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

# Node is the machine's if it is 20 or newer and has npm, else one from a wheel.
$(CLIENTS)/node_modules/.done: $(VENV)/.dev requirements/node.txt $(CLIENTS)/package-lock.json
	@if ! { command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 20)'; } >/dev/null 2>&1; then \
	  $(INSTALL) --require-hashes -r requirements/node.txt; fi
	cd $(CLIENTS) && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --loglevel=error
	@touch $@

chromium: ## The browser of the tests: the one that is there, else Debian's
	@for name in "$$CHROMIUM" chromium chromium-browser google-chrome; do \
	  if [ -n "$$name" ] && command -v "$$name" >/dev/null; then exit 0; fi; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	    && exit 0; fi; \
	echo "The tests need a Chromium: install it (Debian: sudo apt-get install chromium), or name one with CHROMIUM=/path" >&2; exit 2

requirements: $(BIN)/uv ## Pin and hash the dependencies anew, with a cool-down on new releases
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --exclude-newer $(COOL_DOWN) --group build pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --exclude-newer $(COOL_DOWN) --group build --group dev pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --exclude-newer $(COOL_DOWN) --group node -o requirements/node.txt
	cd $(CLIENTS) && PATH="$(CURDIR)/$(BIN):$$PATH" npm install --loglevel=error --package-lock-only --before=$(COOL_DOWN)

migration: setup-dev ## What the migrations of the state lack, as Alembic writes it against a PostgreSQL
	@$(BIN)/python -m tests.migration

truth: setup-dev ## Does the house find what the world planted? (long)
	$(BIN)/python benchmarks/truth.py

benchmarks: setup-dev ## Costs, as ratios to a named floor
	for file in leaks decide intake rules profile segment store ids fresh forget memory; do $(BIN)/python -m benchmarks.$$file || exit 1; done

clean:
	rm -rf $(VENV) $(CLIENTS)/node_modules .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
