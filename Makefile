# `make` alone lists what there is. Everything sets up what it needs first; see engine/setup.py.
# One worker more than cores: many tests wait for something.

PYTHON ?= python3
BIN := .venv/bin
TYPED := contract settings components policy release local engine examples bench tests
WORKERS := $(shell expr $$(nproc) + 1)
UNIT := -m 'not e2e' -p no:cacheprovider -n $(WORKERS) --disable-socket --allow-unix-socket
E2E := -m e2e -p no:cacheprovider -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

unexport PYTHONDONTWRITEBYTECODE # a thousand processes start here: one of them compiles, and the others need not

.PHONY: help setup demo check lint unit coverage test bench clean

help: ## list these commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1|/' | awk -F'|' '{printf "make %-8s %s\n", $$1, $$2}'

setup: ## virtual environment, pinned packages and the engine; takes minutes once, then no time
	@$(PYTHON) -m engine.setup

demo: setup ## the whole story on this machine, every sentence proven; KEEP=1 leaves it running
	@$(BIN)/python -m local.demo

check: setup ## the fast gate: ruff, types, import rules, and the unit tests meanwhile
	@$(MAKE) --no-print-directory -j 2 lint unit

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports

unit: setup
	$(BIN)/python -m pytest $(UNIT)

coverage: setup ## the branches of the product that unit tests take, and those that none does
	rm -rf build/coverage
	$(BIN)/python -m coverage run -m pytest $(UNIT)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

test: check ## everything: check, then the end-to-end tests on the real engine
	$(BIN)/python -m pytest $(E2E)

bench: setup ## the figures, with machine and versions
	@$(BIN)/python -m bench

clean: ## remove what was set up, built or cached; stop the local cloud first
	@if [ -x $(BIN)/local-cloud ]; then $(BIN)/local-cloud down; fi
	rm -rf .venv .local build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	if [ -d .engine ]; then chmod -R u+w .engine && rm -rf .engine; fi # Go makes its caches read-only
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
