# `make` alone lists the targets. Each makes the environment it needs the first time.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOCK := infra/lock/all.txt
JOBS ?= 2
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help demo test up down bench lint docs lock

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): $(LOCK) pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "PYTHON_MISSING wanted=3.11: install Python 3.11, or name one with 'make PYTHON=/path/to/python3.11'"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "PYTHON_WRONG wanted=3.11 found=$$($(PYTHON) -V 2>&1): name a Python 3.11 with 'make PYTHON=/path/to/python3.11'"; exit 1; }
	@echo "installing the environment into $(VENV) (about 2.6 GB, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --python $(BIN)/python --require-hashes -r $(LOCK)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)  ## run the main job end to end (KEEP=1 leaves the stack up, VENUE=binance takes a real venue's data)
	@$(BIN)/tickhouse demo $(if $(KEEP),--keep) $(if $(VENUE),--venue $(VENUE))

test: $(STAMP)  ## run the tests
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

up: $(STAMP)  ## start the local stack and stay
	@exec $(BIN)/tickhouse up

down: $(STAMP)  ## stop a local stack left behind
	@$(BIN)/tickhouse down

bench: $(STAMP)  ## print the benchmarks as JSON
	@$(BIN)/tickhouse bench hotpath
	@$(BIN)/tickhouse bench history

lint: $(STAMP)  ## ruff, mypy strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

docs: $(STAMP)  ## generate the reference tables in docs/ from the code
	@$(BIN)/tickhouse docs

lock: $(STAMP)  ## resolve the dependencies again
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 --extra all pyproject.toml -o infra/lock/all.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 --extra live -c infra/lock/all.txt pyproject.toml -o infra/lock/live.txt
