# `make up` runs Roost on this machine. `make chat` opens the client, and starts Roost if none runs.
# `make test` runs everything that CI runs. `make bench` measures Roost beside other servers.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
# Options for `roost up`, `roost chat` or pytest, as in `make up ARGS="--nodes 5"`.
ARGS ?=

.PHONY: up chat test test-plain compile bench setup develop format docs clean

up: setup
	@exec $(VENV)/bin/roost up $(ARGS)

chat: setup
	@exec $(VENV)/bin/roost chat --local $(ARGS)

# Check format, lint, layers and types, and run the tests; stop at the first failure. Calls of compiled
# functions cannot be counted, so plain Python runs in the tests of costs. The summary of the tests
# comes last. The three workers are handed one test after the other: those that start real
# processes come first, and mostly wait, so two cores have work for a third.
test: develop
	@$(VENV)/bin/ruff format --check --quiet src tests benchmarks hatch_build.py
	@$(VENV)/bin/ruff check --quiet src tests benchmarks hatch_build.py
	@$(VENV)/bin/lint-imports --no-cache
	@$(VENV)/bin/python hatch_build.py & $(VENV)/bin/mypy && wait $$!
	@ROOST_PLAIN=1 $(VENV)/bin/pytest --quiet tests/cost
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" exec $(VENV)/bin/pytest -n 3 --dist loadgroup $(ARGS)

# The same, with plain Python in place of compiled modules.
test-plain:
	@ROOST_PLAIN=1 $(MAKE) --no-print-directory test

# Compile the hot modules. They are used as long as the source stays as it is.
compile: $(VENV)/.ready-to-compile
	@$(VENV)/bin/python hatch_build.py

# Measure Roost beside other servers, whose Debian packages are installed if they are missing.
bench: compile
	@sh benchmarks/install
	@exec $(VENV)/bin/python -m benchmarks $(ARGS)

setup: $(VENV)/.ready

develop: $(VENV)/.ready-to-develop

$(VENV)/.ready: requirements.txt requirements-build.txt pyproject.toml
	@echo "Setting up $(VENV) ..."
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --no-deps -r requirements.txt -r requirements-build.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready-to-compile: $(VENV)/.ready requirements-compile.txt
	@$(PIP) install --no-deps -r requirements-compile.txt
	@touch $@

$(VENV)/.ready-to-develop: $(VENV)/.ready requirements-dev.txt requirements-compile.txt
	@echo "Installing what the tests need ..."
	@$(PIP) install --no-deps -r requirements-dev.txt
	@touch $@

format: develop
	@$(VENV)/bin/ruff format src tests benchmarks hatch_build.py
	@$(VENV)/bin/ruff check --fix src tests benchmarks hatch_build.py

# Write the tables of keys in docs/running.md from the code.
docs: develop
	@PYTHONPATH=tests $(VENV)/bin/python -m support.key_tables

clean:
	rm -rf $(VENV) src/roost/objects .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
