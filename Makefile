# Everything a contributor needs; `make` lists it.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
# Processes that share the tests: for two cores, which tests of real programs leave idle half of the time.
WORKERS ?= 3
# Debian's /bin/sh is dash
SHELL := /bin/bash

.DEFAULT_GOAL := help
.PHONY: help up down demo test test-all interop lint types contracts format reference wheel bench clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

up: $(VENV)/.installed ## Start a cluster on this host and leave a working kubeconfig (UP="--port 0 --nodes 3" adds options)
	$(BIN)/cloudk8s up --detach $(UP)

down: $(VENV)/.installed ## Stop that cluster
	$(BIN)/cloudk8s down

demo: $(VENV)/.dev ## Make, change and delete a cluster in an emulated AWS account
	$(BIN)/cloudk8s cluster create demo --provider aws --offline --workers 3
	$(BIN)/cloudk8s cluster plan demo
	$(BIN)/cloudk8s cluster scale demo --workers 5
	$(BIN)/cloudk8s cluster describe demo
	$(BIN)/cloudk8s cluster delete demo --yes
	$(BIN)/cloudk8s offline stop

test: $(VENV)/.dev ## Run the test suite
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow"

test-all: $(VENV)/.dev ## Run every test, slow and privileged ones too
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

interop: $(VENV)/.dev ## Run the tests with upstream's programs, which CLOUDK8S_UPSTREAM_BINARIES names a folder of
	$(BIN)/python -m pytest tests/interop

lint: $(VENV)/.dev ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## Check types
	$(BIN)/mypy cloudk8s providers/* plugins/*

contracts: $(VENV)/.dev ## Check that layers import downwards only
	$(BIN)/lint-imports

format: $(VENV)/.dev ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

reference: $(VENV)/.dev ## Write the reference pages of docs/ from the code
	$(BIN)/python -m docs.generate

wheel: $(VENV)/.dev ## Build the wheel into dist/
	$(BIN)/python -m build --wheel --outdir dist .

bench: $(VENV)/.dev ## Run the benchmarks and print their tables
	$(BIN)/python -m benchmarks

clean: ## Remove what was built
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -e .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	@touch $(VENV)/.installed $@
