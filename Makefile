.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv

.PHONY: help
help: ## Say what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.venv/bin/uv:
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt

# One stamp an environment: remade when its lock file changes.
.venv/.installed: requirements/dev.txt | $(UV)
	@echo "Installing the Python packages …"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

.local/%/.installed: requirements/%.txt | $(UV)
	@echo "Installing the environment '$*' …"
	@$(UV) venv --quiet --clear --python $(BIN)/python .local/$*
	@$(UV) pip install --quiet --python .local/$*/bin/python --require-hashes -r requirements/$*.txt
	@touch $@

.PHONY: lock
lock: | $(UV) ## Resolve every lock file anew
	@for lock in requirements/{dev,ministack,runtime,sam,uv}; do \
	  $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $$lock.in -o $$lock.txt; done
	@for layer in layers/*/requirements.in; do \
	  $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    $$(sed -nE 's/^([a-zA-Z0-9_.-]+)==.*/--no-emit-package \1/p' requirements/runtime.txt) \
	    $$layer -o $${layer%.in}.txt; done
