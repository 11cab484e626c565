# The whole journeys. Everything here can also be run by hand: the README says how.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
# Imports take three to four times longer without byte code.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup check test lock

help:  ## Show these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

setup: .venv/.installed  ## Install the pinned packages into .venv

.venv/.installed: requirements.txt
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --require-hashes --requirement \
	  <(sed -n '/^uv==/,/^[^ ]*$$/p' requirements.txt | sed '$$!b;/^    /!d')
	@$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes --python $(BIN)/python requirements.txt
	@touch $@

check: setup  ## Format, lint and types
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/basedpyright

test: setup  ## Every test
	@$(BIN)/pytest

lock: setup  ## Compile requirements.in to requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" requirements.in --output-file requirements.txt
