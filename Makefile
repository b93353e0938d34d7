# `make run` and `make test` set up everything they need on a machine that has Python, git and make.
PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# Every stage is a process: without bytecode each would compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test ui check licences hashes clean install

run: install
	dvc repro
	cotrain summary

test: install
	pytest -n auto

check: install
	ruff check .
	ruff format --check .
	mypy

licences: install
	$(VENV)/bin/python .ci/licences.py > docs/licences.md

hashes:
	$(PYTHON) .ci/hashes.py

ui: install
	cotrain ui

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "cotrain needs Python 3.11 to 3.13, got $$($(PYTHON) --version 2>&1); name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis
