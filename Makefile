# `make demo`: a small dataset and a picture of it. `make quick`: the tests that take two minutes. `make test`: all tests.
# `make check`: format, lint, types. Each creates what it needs. `make quick PYTHON=python3.13 VENV=.venv313`: likewise.
PYTHON ?= python3.11
VENV ?= .venv
# One version for all: what a few steps of training learn differs in the last bits from version to version.
TORCH ?= torch==2.13.0
BIN = $(VENV)/bin
INSTALL = $(BIN)/pip install --quiet --quiet

.PHONY: demo quick test check gpu install bench clean

demo: $(VENV)/.demo
	$(BIN)/mannequin generate demo --clips 6 --frames 12 --size 240 320 --workers auto
	$(BIN)/mannequin show demo --frame 6 --out demo/picture.png
	@echo "Open demo/picture.png"

quick: $(VENV)/.quick
	$(BIN)/pytest -n auto --quick --durations=5 --durations-min=2

test: $(VENV)/.dev
	$(BIN)/pytest -n auto

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python

# On a machine with a GPU, from the tree: make gpu PYTHON=python3 GPU="--wheels wheels". See benchmarks/gpu.py.
GPU ?=
gpu:
	$(PYTHON) -m benchmarks.gpu $(GPU)

install: $(VENV)/.demo

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --quiet --upgrade pip

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	$(INSTALL) -e ".[blender]"
	touch $@

$(VENV)/.quick: pyproject.toml | $(VENV)/bin/python
	$(INSTALL) -e ".[quick]"
	touch $@ $(VENV)/.demo

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(INSTALL) "$(TORCH)"
	$(INSTALL) -e ".[dev]"
	touch $@ $(VENV)/.demo $(VENV)/.quick

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/container.py
	$(BIN)/python benchmarks/memory.py

clean:
	rm -rf demo build *.egg-info
