# make demo | test | check | bench | clean   (needs Python >= 3.11 and make, nothing else)
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
SHELL := /bin/bash

.PHONY: demo test check bench clean

.venv/run.stamp: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("五评 needs Python 3.11 or later, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

demo: .venv/run.stamp
	$(BIN)/survey demo --port $(PORT)

test: .venv/dev.stamp
	@bash .ci/prepare
	@bash .ci/test

check: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py
	@$(MAKE) --no-print-directory test

bench: .venv/dev.stamp
	$(BIN)/python -m bench

clean:
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
