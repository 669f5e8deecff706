# `make demo`: a small dataset and a picture of it. `make test`: all tests. Each creates what it needs.
PYTHON ?= python3.11
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test install bench clean

demo: $(VENV)/.demo
	$(BIN)/mannequin generate demo --clips 6 --frames 12 --size 240 320 --workers auto
	$(BIN)/mannequin show demo --frame 6 --out demo/picture.png
	@echo "Open demo/picture.png"

test: $(VENV)/.test
	$(BIN)/pytest -n auto

install: $(VENV)/.demo

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --quiet --upgrade pip

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --quiet -e ".[blender]"
	touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --quiet -e ".[test]"
	touch $@ $(VENV)/.demo

bench: $(VENV)/.test
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/container.py
	$(BIN)/python benchmarks/memory.py

clean:
	rm -rf demo build *.egg-info
