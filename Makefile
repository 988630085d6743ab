# Every command of the project. `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
# Given to pytest, as in: make test ARGS="-k merging"
ARGS ?=
# Anything shortens the benchmarks: make bench QUICK=1
QUICK ?=
# Millions of activities: make bench-growth SIZES="1 10"
SIZES ?= 1 10 30

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help run test lint bench bench-growth lock chromium

help:  ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1|/' | column -t -s '|'

run: $(INSTALLED)  ## run the hub with demo data until Ctrl-C; honours PORT, HOST and DATA_DIR
	@exec $(BIN)/python manage.py serve --demo

test: $(INSTALLED_DEV) chromium  ## run all tests; honours DATABASE_URL and REDIS_URL
	@exec $(BIN)/python -m pytest -n auto --maxprocesses 4 $(ARGS)

lint: $(INSTALLED_DEV)  ## check style, formatting, types, settings and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/python manage.py check --settings=tests.settings
	$(BIN)/python manage.py makemigrations --check --dry-run --settings=tests.settings

bench: $(INSTALLED_DEV)  ## measure a hub of its own and write a report; QUICK=1 takes less than two minutes
	@exec $(BIN)/python -m benchmarks $(if $(QUICK),--quick)

bench-growth: $(INSTALLED_DEV)  ## measure hubs of 1, 10 and 30 million activities; SIZES="1 10" for fewer; takes an hour or two
	@exec $(BIN)/python -m benchmarks.growth $(SIZES)

lock: $(INSTALLED_DEV)  ## pin the newest versions that pyproject.toml allows
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --upgrade --no-header --python-version 3.11 \
		--output-file requirements.txt pyproject.toml
	$(BIN)/uv pip compile --upgrade --no-header --python-version 3.11 --extra dev \
		--constraints requirements.txt --output-file requirements-dev.txt pyproject.toml

chromium:
	@command -v chromium chromium-browser google-chrome > /dev/null && exit 0; \
	if [ "`id -u`" = 0 ] && command -v apt-get > /dev/null; then \
		echo "Installing Chromium for the browser tests …"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; \
	else \
		echo "The browser tests need Chromium. On Debian: apt install chromium" >&2; exit 1; \
	fi

$(BIN)/python:
	@command -v $(PYTHON) > /dev/null || { \
		echo "Throughline needs Python 3.11 or newer, and there is no “$(PYTHON)”." >&2; \
		echo "Install it, or name yours: make run PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Throughline needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) --version 2>&1`." >&2; \
		echo "Name a newer one: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
		echo "This Python cannot make virtual environments: it lacks venv or ensurepip." >&2; \
		echo "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Creating the virtual environment $(VENV) with `$(PYTHON) --version` …"
	@$(PYTHON) -m venv --clear $(VENV)

$(INSTALLED): requirements.txt | $(BIN)/python
	@echo "Installing what the hub needs into $(VENV) (once; a minute or two) …"
	@# Without pip, somebody interrupted the making of the environment.
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -r requirements.txt
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt $(INSTALLED)
	@echo "Installing what its tests need into $(VENV) …"
	@$(BIN)/python -m pip install -r requirements-dev.txt
	@touch $@
