# The whole journeys. Everything here can also be run by hand: the README says how.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Imports take three to four times longer without byte code.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup up smoke service-down down check test bench soak lock

help:  ## Show these targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

up: setup  ## Do the whole job: register, validate, deploy to the local stand-in, test the endpoint
	@$(BIN)/python -m journey up $(ARGS)

smoke: setup  ## Test the deployed endpoint again
	@$(BIN)/python -m journey smoke $(ARGS)

service-down: setup  ## Remove only the container group
	@$(BIN)/python -m journey service-down

down: setup  ## Remove everything that `make up` made
	@$(BIN)/python -m journey down

check: setup  ## Format, lint and types
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/basedpyright

test: setup  ## Every test that needs no root and no container engine
	@$(BIN)/python -m local_azure setup
	@$(BIN)/pytest --numprocesses logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder $(ARGS)

bench: setup  ## Measure the scoring service beside Microsoft's server
	@$(BIN)/python -m scoring.bench compare $(ARGS)

soak: setup  ## Ten minutes of full load with faults mixed in
	@$(BIN)/python -m scoring.bench soak $(ARGS)

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --custom-compile-command "make lock"

lock: setup  ## Pin the packages anew: of the project and of the image
	@$(LOCK) requirements.in --output-file requirements.txt
	@$(LOCK) --constraint requirements.txt scoring/requirements.in --output-file scoring/requirements.txt
	@$(BIN)/python -m scoring myenv

setup: .venv/.installed  ## Install the pinned packages into .venv

# Its own uv comes first, by the same hashes; the stamp comes last, so an interrupted set-up is done again.
.venv/.installed: requirements.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "error: Python 3.11, 3.12 or 3.13 is needed, $$("$(PYTHON)" --version 2>&1 || true) was found; name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: this Python cannot make virtual environments; install it: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing the pinned packages into .venv ..."
	@"$(PYTHON)" -m venv --clear .venv
	@awk '/^uv==/ {print; inside = 1; next} !/^ / {inside = 0} inside' requirements.txt > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement .venv/uv.txt
	@$(BIN)/uv pip sync --system-certs --compile-bytecode --require-hashes --python $(BIN)/python requirements.txt 2>&1 \
	  | grep -vE '^ [+-] ' || { echo "error: the packages could not be installed; is a package registry reachable?" >&2; exit 1; }
	@touch $@
