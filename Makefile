# `make run`: everything from a bare checkout to the chat. `make test`: the same to a full test run.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Pinned so that a machine with a CPU build of its own keeps it; any release from 2.11 on will do.
TORCH ?= torch==2.13.0

.PHONY: run test lint setup browser bench bench-gpu screenshots clean

run: $(VENV)/.installed
	$(BIN)/aisle setup
	$(BIN)/aisle serve

test: $(VENV)/.installed-test lint browser setup
	$(BIN)/aisle model fetch smollm2-135m
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: $(VENV)/.installed
	$(BIN)/aisle setup

# Browser tests use the system's chromium; where it is missing and may not be installed, they skip
# and say so.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; } || \
	  echo "chromium is missing and could not be installed: browser tests will skip"

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Aisle needs Python 3.11 or newer; set PYTHON=python3.11"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -q '$(TORCH)'
	$(BIN)/python -m pip install --disable-pip-version-check -q -e .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --disable-pip-version-check -q -e '.[test,bench]'
	touch $@

bench: $(VENV)/.installed-test
	$(BIN)/python scripts/bench_turn.py

# On a machine whose Python already has torch and the rest: make bench-gpu BIN=/usr/bin
bench-gpu:
	$(BIN)/python scripts/bench_gpu.py
	$(BIN)/python -m pytest -m gpu

# The pictures in docs/, taken by the browser tests with the real model.
screenshots: $(VENV)/.installed-test browser setup
	$(BIN)/python -m pytest -m "model and browser" --screenshots docs

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
