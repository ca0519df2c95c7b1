# Two commands matter: `make run` and `make test`. The rest is for those who change things; `make help` lists it all.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
ENVIRONMENTS := .venv/.installed .local/ministack/.installed .local/runtime/.installed
COMMAND_LINE := .venv/bin/makertasks
CELERIES := .local/celery-oldest/.installed .local/celery-newest/.installed

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{split($$1, target, ":"); printf "  make %-12s %s\n", target[1], $$2}'

# ── Environments: made from the lock files on first use, and again when a lock file changes ───────────────────────────

.venv/bin/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or later is needed; name one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "error: no virtual environment could be made; on Debian: apt install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt || { echo "error: the Python packages could not be downloaded; is there a network?"; exit 1; }
	@touch $@

.venv/.installed: requirements/dev.txt | $(UV)
	@echo "Installing what checks and tests need …"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt || { echo "error: the Python packages could not be downloaded; is there a network?"; exit 1; }
	@touch $@

$(COMMAND_LINE): pyproject.toml setup.py .venv/.installed | $(UV)
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable '.[cli]'
	@touch $@

.local/%/.installed: requirements/%.txt | $(UV)
	@echo "Installing the environment '$*' …"
	@$(UV) venv --quiet --clear --python $(BIN)/python .local/$*
	@$(UV) pip install --quiet --python .local/$*/bin/python --require-hashes -r requirements/$*.txt || { echo "error: the Python packages could not be downloaded; is there a network?"; exit 1; }
	@touch $@

.PHONY: setup
setup: $(ENVIRONMENTS) $(COMMAND_LINE) ## Install everything that run and test need

.PHONY: lock
lock: | $(UV) ## Update every lock file
	@for lock in requirements/*.in; do \
	  $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $$lock -o $${lock%.in}.txt || exit 1; done
	@$(BIN)/python -m infra.locks layers/*

# ── Use it ────────────────────────────────────────────────────────────────────────────────────────────────────────────

.PHONY: run
run: $(ENVIRONMENTS) $(COMMAND_LINE) ## Run everything on this machine; Ctrl-C stops it, MAKERTASKS_PORT chooses the port
	@$(BIN)/python -m infra.local

.PHONY: token url
token: $(ENVIRONMENTS) ## Print an access token for the running stack's API
	@$(BIN)/python -m infra.local token

url: $(ENVIRONMENTS) ## Print the address of the running stack's API
	@$(BIN)/python -m infra.local url

# ── On AWS ────────────────────────────────────────────────────────────────────────────────────────────────────────────

# Parameters of template.yaml may follow: make deploy STAGE=prod FrontendUrl=https://inventory.example.org
PARAMETERS = $(foreach name,$(shell sed -nE '/^Parameters:/,/^[A-Z]/s/^  ([A-Za-z]+):.*/\1/p' template.yaml),$(if $(filter command line,$(origin $(name))),$(name)='$($(name))'))
STAGE ?= dev

.PHONY: deploy
deploy: .venv/.installed .local/sam/.installed ## Build and deploy to AWS; STAGE=prod chooses the stage
	@$(BIN)/python -m infra.deploy $(STAGE) $(PARAMETERS)

.PHONY: rollback
rollback: .venv/.installed ## Switch every function back to the previous deployment
	@$(BIN)/python -m infra.rollback $(STAGE)

.PHONY: restore
restore: .venv/.installed .local/sam/.installed ## Restore a removed stage with its kept data
	@$(BIN)/python -m infra.restore $(STAGE) $(PARAMETERS)

.PHONY: destroy
destroy: .venv/.installed ## Remove a stage from AWS after asking; its data is kept
	@$(BIN)/python -m infra.destroy $(STAGE)

# ── Check it ──────────────────────────────────────────────────────────────────────────────────────────────────────────

# Unit and engine tests run in random order and with random hashes. Each run prints its seed; `make unit SEED=…` repeats it.
ifndef SEED
SEED := $(shell echo $$RANDOM$$RANDOM)
endif
RANDOMLY = PYTHONHASHSEED=$(SEED) $(BIN)/pytest -n 2 --dist worksteal -p randomly --randomly-seed=$(SEED)
# Moments at which code that counts days, hours or months goes wrong, and the tests of such code.
MOMENTS = 2027-02-28T23:59:50@UTC 2028-02-29T12:00:00@UTC 2026-12-31T23:59:50@UTC 2027-03-14T01:59:50@America/New_York
DATED = tests/unit/test_lead_times.py $(addprefix tests/engine/test_,$(addsuffix .py,clean_media delays missed_slots rate_limits recount retention sweeping))

.PHONY: test
test: chromium zbar check unit engine dates celery site stack faults browser ## Run all checks and tests (about 20 minutes)

.PHONY: check
check: $(ENVIRONMENTS) .local/sam/.installed ## Check format, lint, types and the template
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/cfn-lint --regions us-east-1 eu-central-1 ap-southeast-5 us-gov-west-1 -- template.yaml
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 .local/sam/bin/sam validate --lint

.PHONY: unit
unit: $(ENVIRONMENTS) .local/sam/.installed ## Test single parts
	$(RANDOMLY) tests/unit

.PHONY: engine
engine: $(ENVIRONMENTS) ## Test tasks from submission to end, and everything that reads them, on moto
	$(RANDOMLY) tests/engine

.PHONY: dates
dates: $(ENVIRONMENTS) ## Test code that counts days: around midnight, on leap day, at a change to summer time
	@for moment in $(MOMENTS); do echo "At $$moment, with seed $(SEED):"; $(RANDOMLY) $(DATED) --at $$moment || exit 1; done

.PHONY: stack
stack: $(ENVIRONMENTS) $(COMMAND_LINE) $(CELERIES) .local/sam/.installed .local/awscli/.installed ## Test the real template on the local AWS, also with stock Celery
	$(BIN)/pytest tests/stack -n 2 --dist loadfile

.PHONY: faults soak
SEED ?= 20261122
SIZE ?= 5000
RESTARTS ?= 3
soak: $(ENVIRONMENTS) ## Test faults in 5,000 tasks with restarts; slow (SEED=… SIZE=… RESTARTS=…)
	PYTHONPATH=functions:layers/makertasks/python $(BIN)/python -m tests.faults $(SIZE) --seed $(SEED) --restarts $(RESTARTS)

faults: $(ENVIRONMENTS) ## Test crashes, time-outs, duplicates and AWS's errors: every task must still end once
	$(BIN)/pytest tests/faults

CHROMIUMS = chromium-headless-shell chromium chromium-browser google-chrome
INSTALL_CHROMIUM = apt-get install -y --no-install-recommends chromium-headless-shell fonts-dejavu-core fonts-noto-color-emoji

.PHONY: zbar
zbar: ## Install zbar, with which tests read QR codes, where there is none and this is root on Debian
	@ldconfig -p 2>/dev/null | grep -q 'libzbar\.so\.0' && exit 0; \
	echo "Tests read QR codes with zbar, which is not installed. On Debian: sudo apt-get install -y libzbar0"; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libzbar0 >/dev/null; \
	fi

.PHONY: chromium
chromium: ## Install Chromium for the browser tests where there is none: with apt-get as root, else Playwright's own
	@command -v $(CHROMIUMS) >/dev/null && exit 0; \
	echo "The browser tests need Chromium, which is not installed. On Debian: sudo $(INSTALL_CHROMIUM)"; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing it …"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(INSTALL_CHROMIUM) -qq >/dev/null && exit 0; \
	  with_deps=--with-deps; \
	fi; \
	echo "Downloading Playwright's …"; \
	$(MAKE) --silent .venv/.installed && $(BIN)/playwright install $$with_deps --only-shell chromium && exit 0; \
	echo "error: Chromium could not be installed; install it with the command above"; exit 1

.PHONY: browser screenshots
browser: chromium $(ENVIRONMENTS) ## Test the pages in Chromium
	$(BIN)/pytest tests/browser

screenshots: $(ENVIRONMENTS) ## Retake docs/screenshots: every page in both themes
	PYTHONPATH=functions:layers/makertasks/python $(BIN)/python -m tests.browser.screenshots

.PHONY: celery
celery: $(CELERIES) ## Compare our wire format with the oldest and the newest Celery
	@for version in oldest newest; do \
	  PYTHONPATH=layers/makertasks/python .local/celery-$$version/bin/python -m pytest -q -p no:cacheprovider -c /dev/null --rootdir . tests/celery || exit 1; done

.PHONY: celery-comparison
celery-comparison: $(ENVIRONMENTS) $(CELERIES) ## An application on Lambda beside a stock worker, about 5 minutes (ONLY=regex of behaviours, RUNS=200 of nested groups)
	$(if $(ONLY),ONLY='$(ONLY)') $(if $(RUNS),RUNS=$(RUNS)) $(BIN)/pytest tests/comparison

.PHONY: site
site: $(CELERIES) ## Test a Django site beside the stack, with Django 4.2 and the newest
	@for version in oldest newest; do \
	  PYTHONPATH=.:layers/makertasks/python:functions .local/celery-$$version/bin/python -m pytest -q -p no:cacheprovider -c /dev/null --rootdir . tests/site || exit 1; done

.PHONY: audit
audit: .local/audit/.installed .local/checkov/.installed ## Find known vulnerabilities in pinned packages and flaws in the template; needs the network
	@for lock in requirements/runtime.txt layers/*/requirements.txt; do \
	  .local/audit/bin/pip-audit --strict --disable-pip --require-hashes -r $$lock || exit 1; done
	@.local/checkov/bin/python .local/checkov/bin/checkov --config-file infra/checkov.yaml

.PHONY: format
format: $(ENVIRONMENTS) ## Format, and fix what the linter can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: task
task: .venv/.installed ## Add a task: make task NAME=print_label, and WRITES=labels/ for another folder than print_label/
	@PYTHONPATH=functions:layers/makertasks/python $(BIN)/python -m infra.new_task "$(NAME)" $(if $(WRITES),"$(WRITES)")

.PHONY: celery-app
celery-app: .venv/.installed .local/ministack/.installed .local/runtime/.installed ## Add a Celery application: make celery-app APP=shop.celery:app FROM=../shop, and TRY='shop.tasks.add [2, 3]'
	@PYTHONPATH=functions:layers/makertasks/python $(BIN)/python -m infra.new_application --app "$(APP)" --from "$(FROM)" --packages "$(PACKAGES)" $(if $(REQUIREMENTS),--requirements "$(REQUIREMENTS)") --try '$(TRY)'

.PHONY: events
events: $(ENVIRONMENTS) ## Regenerate the tasks' test events from their declared examples
	@PYTHONPATH=functions:layers/makertasks/python $(BIN)/python -m infra.examples

.PHONY: bench
bench: $(ENVIRONMENTS) ## Measure the README's claims, each against a baseline of the same run
	PYTHONPATH=functions:layers/makertasks/python:layers/fonts/python $(BIN)/python -m tests.bench
