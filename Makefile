# The whole journeys. Everything here can also be run by hand: the README says how.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Imports take three to four times longer without byte code.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup up smoke review drift service-down down check test test-aks drill attack bench bench-aks bench-tools soak mutants docs lock clean-cache

help:  ## Show these targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20
	@echo; echo "Written are .venv and .local here, and in the user's cache (~/.cache or XDG_CACHE_HOME)"; \
	echo "the Pulumi CLI and the packages of images, in sklearn-mnist-svc: make clean-cache removes them;"; \
	echo "and what uv and matplotlib keep for all projects, in folders of their names."

up: setup  ## Do the whole job: register, validate, deploy to the local stand-in, test the endpoint
	@$(BIN)/python -m journey up $(if $(TARGET),--target $(TARGET)) $(ARGS)

smoke: setup  ## Test the deployed endpoint again
	@$(BIN)/python -m journey smoke $(ARGS)

review: setup  ## Say what an update of the local stack would do
	@$(BIN)/python -m journey review

drift: setup  ## Look for drift in the local stack; drift is an error of make's
	@$(BIN)/python -m journey drift

service-down: setup  ## Remove only the service
	@$(BIN)/python -m journey service-down

down: setup  ## Remove everything that `make up` made
	@$(BIN)/python -m journey down

check: setup  ## Format, lint, types and the workflows
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/basedpyright
	@$(BIN)/zizmor --offline --quiet --no-progress .github

test: setup  ## Every test that needs no root and no container engine
	@$(BIN)/python -m local_azure setup
	@$(BIN)/pytest --numprocesses logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder $(ARGS)

test-aks: setup  ## The tests of TARGET=aks on a real Kubernetes, which is built first, once (20 minutes; MINUTES=n ends both)
	@$(BIN)/python -m local_azure setup
	@end=$$(($$(date +%s) + 60 * $(or $(MINUTES),600))); \
	if timeout --foreground --signal=INT $(or $(MINUTES),600)m $(BIN)/python -m journey prepare-aks; then \
	  AKS_TESTS_END=$$end $(BIN)/pytest -m aks tests/aks $(ARGS); \
	else \
	  [ $$? = 124 ] && why="for the build takes more than $(MINUTES) minutes" || why="for the reason above"; \
	  echo "skipped: the tests of TARGET=aks, $$why"; \
	fi

drill: setup  ## Fill the disk, damage every file of the state: up and down must stand it (half an hour)
	@$(BIN)/python -m local_azure setup
	@$(BIN)/pytest -m drill $(ARGS)

bench: setup  ## Measure the scoring service beside Microsoft's server
	@$(BIN)/python -m scoring.bench compare $(ARGS)

bench-aks: setup  ## Measure TARGET=aks: rates of 1, 2, 4 pods, lost requests, the autoscaler (ARGS=--simulated: 5,000 pods)
	@$(BIN)/python -m local_azure setup
	@$(BIN)/python -m journey prepare-aks && $(BIN)/python -m journey.bench_aks $(ARGS)

bench-tools: setup  ## Measure preview, review, drift check and a warm `make up`, and large stacks
	@$(BIN)/python -m journey.bench_tools $(ARGS)

soak: setup  ## Ten minutes of full load with faults mixed in
	@$(BIN)/python -m scoring.bench soak $(ARGS)

mutants: setup  ## Change infra/ and the gates of model_eval/ a line at a time, count what the tests notice
	@$(BIN)/python -m tests.mutants $(ARGS)

docs: setup  ## Build the documentation's site into site/, every link checked
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet && echo "Look: site/index.html"

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --custom-compile-command "make lock"

clean-cache:  ## Remove what is kept in the user's cache: the Pulumi CLI, the images' packages
	@$(CACHED) && rm -rf "$$cache/sklearn-mnist-svc" "$$cache/local-azure" && echo "Removed sklearn-mnist-svc and local-azure from $$cache."

CACHED := cache="$${XDG_CACHE_HOME:-$$HOME/.cache}"

attack: setup  ## Attack the scoring service in every known way, and fuzz it for ten minutes
	@$(BIN)/python -m scoring.bench attack $(ARGS)

lock: setup  ## Pin the packages anew: of the project, of the program alone, of the image
	@$(LOCK) requirements.in --output-file requirements.txt
	@$(LOCK) --constraint requirements.txt scoring/requirements.in --output-file scoring/requirements.txt
	@$(LOCK) --constraint requirements.txt infra/requirements.in --output-file infra/requirements.txt
	@$(LOCK) local_azure/go/requirements.in --output-file local_azure/go/requirements.txt
	@$(LOCK) --constraint requirements.txt infra/requirements-aks.in --output-file infra/requirements-aks.txt
	@$(LOCK) --constraint requirements.txt model_eval/sdk-v2.in --output-file model_eval/sdk-v2.txt
	@$(BIN)/python -m scoring myenv

setup: .venv/.installed  ## Install the pinned packages into .venv

# Its own uv comes first, by the same hashes; the stamp comes last, so an interrupted set-up is done again.
# An environment of the same Python is brought up to date in place: what runs in it goes on.
# Nothing is compiled ahead: Python compiles what is run, once, which is a tenth of the 18,000 files.
# A second `make` at the same moment waits at the lock on this very Makefile and finds the stamp.
.venv/.installed: requirements.txt
	@exec 9<$(firstword $(MAKEFILE_LIST)); flock --nonblock 9 || { echo "Waiting for another set-up ..."; flock 9; }; \
	[ $@ -nt requirements.txt ] || $(MAKE) --no-print-directory .venv/complete

.PHONY: .venv/complete
.venv/complete:
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "error: Python 3.11, 3.12 or 3.13 is needed, $$("$(PYTHON)" --version 2>&1 || true) was found; name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: this Python cannot make virtual environments; install it: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing the pinned packages into .venv ..."
	@[ "$$($(BIN)/python -c 'import sys; print(sys.version)' 2>/dev/null)" = "$$("$(PYTHON)" -c 'import sys; print(sys.version)')" ] \
	  && [ -x $(BIN)/pip ] || "$(PYTHON)" -m venv --clear .venv
	@awk '/^uv==/ {print; inside = 1; next} !/^ / {inside = 0} inside' requirements.txt > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-compile --requirement .venv/uv.txt
	@$(BIN)/uv pip sync --quiet --system-certs --require-hashes --python $(BIN)/python requirements.txt || { echo "error: the packages could not be installed; is a package registry reachable?" >&2; exit 1; }
	@touch .venv/.installed
