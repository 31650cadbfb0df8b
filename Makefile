# One list of everything a person types. `make demo` needs Python 3.10 or later, nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
SOURCES := edgekit export runtime benchmarks jetson tests

.PHONY: help demo test check lint compile-all wheel clean

help:
	@echo "make demo    install what the demonstration needs, find defects in images, print where to look"
	@echo "make test    install everything and run the quick tests (under 10 minutes)"
	@echo "make check   format, lint, types, import rules and all tests, slow ones included (what CI runs)"
	@echo "make compile-all compile every model in every precision with TensorRT-RTX and write the table of results"
	@echo "make wheel   build the wheel into dist/"

demo: $(VENV)/.installed-cpu
	$(BIN)/edgekit demo --out demo

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -n auto -m "not slow"

check: lint
	$(BIN)/python -m pytest -q -n auto

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/mypy --python-version 3.10 -p edgekit_runtime -p edgekit_jetson
	$(BIN)/lint-imports

compile-all: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/results/compile-checks.py --write benchmarks/results/compile-checks.json

wheel: $(VENV)/.installed-dev
	rm -rf build dist
	$(BIN)/python -m build --wheel --outdir dist .

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-cpu: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[cpu]"
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[cpu,train,export,dev]"
	@touch $@ $(VENV)/.installed-cpu

clean:
	rm -rf $(VENV) build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
