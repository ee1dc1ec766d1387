# One entry point for people and for CI. Everything happens in .venv; nothing else is touched.
#   make demo    a real pipeline with a poisoned feed: traced, judged, explained
#   make test    the whole suite
#   make check   what CI runs: lint, types, import contracts, tests

PYTHON ?= python3

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# An installation is good for as long as pyproject.toml says the same.
KEY := $(firstword $(shell cksum < pyproject.toml))
DEV := $(VENV)/.installed-dev-$(KEY)
FUZZ := $(VENV)/.installed-fuzz-$(KEY)
# How long all fuzzers together look, in seconds.
SECONDS ?= 60
# A developer's environment can run the demo too.
DEMO := $(firstword $(wildcard $(DEV)) $(VENV)/.installed-demo-$(KEY))

# One more than cores, since a third of the time a test waits; each starts a broker of its own
# (about 400 MB). WORKERS=0 runs everything in one process.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n < 4 ? n + 1 : 4)))

.PHONY: help demo test fuzz lint types contracts format docs check clean

help: ## Say what there is to make
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):[^#]*## */  make \1\t/' | expand -t 20

demo: $(DEMO) ## Run a real pipeline with a poisoned feed, and ask who is affected
	@$(BIN)/lineseal demo

test: $(DEV) ## Run the whole suite, files side by side in up to four processes
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

fuzz: $(FUZZ) ## Look for bytes that break the readers of batches and events: make fuzz SECONDS=600
	@$(BIN)/python -m tests.fuzz $(SECONDS)

lint: $(DEV) ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(DEV) ## Check types twice, tests included
	@$(BIN)/mypy
	@$(BIN)/pyright

contracts: $(DEV) ## Check who imports whom
	@$(BIN)/lint-imports

format: $(DEV) ## Rewrite the files in the project's format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(DEV) ## Write the reference pages and the README's outputs again from the program
	@for page in settings.document:docs/configuration.md commandline.document:docs/commands.md \
	    queries.index:queries/README.md queries.rules_page:docs/rules.md; do \
	  $(BIN)/python -m lineseal.$${page%:*} > .page || { rm -f .page; exit 1; }; \
	  mv .page $${page#*:}; \
	done
	@$(BIN)/python -m tests.integration.tamper_page
	@$(BIN)/python -m tests.readme

check: lint types contracts test ## Everything CI runs, in its order

clean: ## Remove the environment and what tools left behind
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/.installed-%-$(KEY): pyproject.toml | $(BIN)/python
	@echo "installing lineseal[$*] into $(VENV) (once)"
	@if command -v uv >/dev/null; then \
	  uv pip install --quiet --python $(BIN)/python --editable '.[$*]' && exit; \
	  echo "uv could not; trying pip"; \
	fi; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@rm -f $(VENV)/.installed-$*-* && touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  found="$$($(PYTHON) --version 2>/dev/null || echo 'not there')"; \
	  echo "Lineseal needs Python 3.11 or newer; '$(PYTHON)' is $$found." >&2; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "'$(PYTHON) -m venv' does not work here; on Debian: apt install python3-venv" >&2; exit 1; }
