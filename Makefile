# Needs make and Python 3.11 or later; everything else goes into $(VENV).
#
#   make check    explore the specs exhaustively, and list what was proved within which bounds
#   make test     run the whole test suite
#   make deep     explore larger bounds: minutes to hours
#   make bench    measure the checker's speed and memory, and print tables
#   make lint     check style, format and types;  make format  corrects the format
#   make dist     build the wheel and the source archive into $(DIST)
#
# PYTHON=python3.12 chooses the interpreter, VENV=path the environment, ARGS="-k liveness" adds options.
# JOBS=4 runs check and test in four processes instead of two; JOBS=0 runs them in a single process.

NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))
# The first interpreter in this list that is new enough.
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11 python; do \
            $$each -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$each && exit; done; echo python3)
VENV ?= .venv
ARGS ?=
JOBS ?= 2
DIST ?= dist

BIN = $(VENV)/bin
READY = $(VENV)/.ready
SOURCES = spec impl checkers

.DEFAULT_GOAL := check
.DELETE_ON_ERROR:
.PHONY: check test deep bench lint format dist clean

check: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m spec -v $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

deep: $(READY)
	$(BIN)/python -m pytest -m deep -v $(ARGS)

bench: $(READY)
	$(BIN)/python -m zabcheck.bench $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)

format: $(READY)
	$(BIN)/ruff format .

dist: $(READY)
	$(BIN)/python -m build --outdir $(DIST)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

$(READY): pyproject.toml
	@$(PYTHON) -c '$(NEW_ENOUGH)' 2>/dev/null || { \
	  found=$$($(PYTHON) --version 2>/dev/null) || found="not found"; \
	  echo "zabkit needs Python 3.11 or later; $(PYTHON) is $$found. Name one: make PYTHON=python3.12"; \
	  exit 2; } >&2
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[check,test]'
	@touch $@
