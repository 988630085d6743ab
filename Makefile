# Every command of the project. `make` alone lists them.

# Which Python to use; the newest that is found if none is given: make run PYTHON=python3.12
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
MADE := $(VENV)/.made
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
.PHONY: help run test lint bench bench-growth lock chromium environment

help:  ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1|/' | column -t -s '|'

run: $(INSTALLED)  ## run the hub with demo data until Ctrl-C; honours PORT, HOST and DATA_DIR
	@exec $(BIN)/python manage.py serve --demo

test: $(INSTALLED_DEV) chromium  ## run all tests; honours DATABASE_URL and REDIS_URL
	@exec $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadgroup $(ARGS)

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

lock: $(INSTALLED_DEV)  ## pin the newest versions that pyproject.toml allows, with the hashes of their files
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --upgrade --no-header --generate-hashes --python-version 3.12 \
		--output-file requirements.txt pyproject.toml
	$(BIN)/uv pip compile --upgrade --no-header --generate-hashes --python-version 3.12 --extra dev \
		--constraints requirements.txt --output-file requirements-dev.txt pyproject.toml

chromium:
	@command -v chromium chromium-browser google-chrome > /dev/null && exit 0; \
	if [ "`id -u`" = 0 ] && command -v apt-get > /dev/null; then \
		echo "Installing Chromium for the browser tests …"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; \
	else \
		echo "The browser tests need Chromium. On Debian: apt install chromium" >&2; exit 1; \
	fi

# An environment of another Python is made anew, and so is a broken one: if its making was
# interrupted, it has no pip. This file goes with it, and being new has everything installed again.
$(MADE): environment
	@python=`sh scripts/find_python.sh "$(PYTHON)"` || exit 1; \
	version='import sys; print("%d.%d" % sys.version_info[:2])'; \
	wanted=`"$$python" -c "$$version"`; \
	there=`$(BIN)/python -c "import pip; $$version" 2> /dev/null`; \
	if [ "$$there" != "$$wanted" ]; then \
		echo "Creating the virtual environment $(VENV) with Python $$wanted ($$python) …"; \
		"$$python" -m venv --clear $(VENV) || exit 1; \
	fi; \
	[ -e $@ ] || touch $@

environment:

$(INSTALLED): requirements.txt $(MADE)
	@echo "Installing what the hub needs into $(VENV) (once; a minute or two) …"
	@sh scripts/pip_install.sh $(BIN)/python requirements.txt
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt $(INSTALLED)
	@echo "Installing what its tests need into $(VENV) …"
	@sh scripts/pip_install.sh $(BIN)/python requirements-dev.txt
	@touch $@
