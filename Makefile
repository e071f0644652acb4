# IO Portal: what can be done here. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help install run test chaos bench lint messages lock

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "IO Portal needs Python 3.11 or newer: PYTHON=python3.12 make run.")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

$(VENV)/development: requirements-dev.txt $(VENV)/runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

install: $(VENV)/development ## Make .venv with all that running and testing need

run: $(VENV)/runtime ## Run the whole portal on PORT (8000), with the IO simulator
	@exec $(BIN)/python manage.py run_portal

test: install ## Run all tests; ARGS goes to pytest
	$(BIN)/python -m tests $(ARGS)

chaos: install ## Kill, stop and rob real processes, and see that nothing is lost or doubled
	$(BIN)/python -m tests tests/chaos
	$(BIN)/python -m pytest -q -s tests/chaos/long_run.py

bench: install ## Measure pace, speed and pages against floors; ARGS names some, or --quick
	$(BIN)/python -m benchmarks $(ARGS)

lint: install ## Check format, rules, types, imports and migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/djade --check $$(git ls-files 'templates/**.html')
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

messages: install ## Collect the texts to translate into locale/
	$(BIN)/python manage.py extract_translations

lock: ## Lock the dependencies anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
