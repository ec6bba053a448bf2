# Commands of the project: `make help` lists them. Needs make, git and Python 3.11 or newer; the rest goes to .venv.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes
VENV_READY := .venv/.venv-ready
RUN_READY := .venv/.run-ready
DEV_READY := .venv/.dev-ready
PYTHON_OK := import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))

.PHONY: help run test check static format bench lock clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

run: $(RUN_READY)  ## start the daemon in dry-run; more options: make run ARGS="--help"
	@exec $(BIN)/python orchestrator.py --strategies sniper $(ARGS)

test: $(DEV_READY) static  ## all that CI runs: format, lint, types, the whole suite
	@$(BIN)/python -m pytest -n auto $(ARGS)

check: $(DEV_READY) static  ## at every save, under a minute: as test, without what is marked slow
	@$(BIN)/python -m pytest -m "not slow" $(ARGS)

static: $(DEV_READY)
	@$(BIN)/python -m ruff format --check --quiet . || { echo "not formatted; run: make format"; exit 1; }
	@$(BIN)/python -m ruff check --quiet .
	@$(BIN)/python -m mypy --strict --no-error-summary

format: $(DEV_READY)  ## lay out the code and apply safe lint fixes
	@$(BIN)/python -m ruff check --quiet --fix --exit-zero .
	@$(BIN)/python -m ruff format --quiet .

bench: $(RUN_READY)  ## measure speed
	@exec $(BIN)/python -m bench $(ARGS)

lock:  ## pin the packages of *.in again, with hashes (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/"; exit 1; }
	@for name in requirements requirements-dev; do \
	  uv pip compile --quiet --no-config --upgrade --generate-hashes --universal --python-version 3.11 \
	    --no-emit-index-url --custom-compile-command "make lock" "$$name.in" -o "$$name.txt" || exit 1; \
	done

clean:  ## remove .venv and caches; data/ and logs/ stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

ifeq ($(realpath $(BIN)/python),)  # never made, or its Python is gone
.PHONY: $(VENV_READY)
endif

$(VENV_READY):
	@found=; \
	for python in $(or $(PYTHON),python3.11 python3); do \
	  if "$$python" -c '$(PYTHON_OK)' >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Python 3.11 or newer with its venv module is needed; found: $$(python3 --version 2>/dev/null || echo none)" >&2; exit 1; \
	fi; \
	echo "setting up .venv (once, about 30 s)…"; \
	"$$found" -m venv --clear .venv && touch $@

$(RUN_READY): requirements.txt $(VENV_READY)
	@[ ! -f $@ ] || echo "requirements.txt has changed: updating .venv…"
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(DEV_READY): requirements-dev.txt $(RUN_READY)
	@echo "adding the packages that tests and checks need (about 15 s)…"
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@
