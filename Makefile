# Two commands matter: `make run` and `make test`. The others are for development; `make help` lists them all.
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
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{split($$1, target, ":"); printf "  make %-17s %s\n", target[1], $$2}'

# ── Environments: made from the lock files on first use, and again when a lock file changes ───────────────────────────

.venv/bin/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or later is required; choose one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "error: the virtual environment could not be created; on Debian: apt install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt || { echo "error: the Python packages could not be downloaded; check the network connection"; exit 1; }
	@touch $@

.venv/.installed: requirements/dev.txt | $(UV)
	@echo "Installing packages for checks and tests …"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt || { echo "error: the Python packages could not be downloaded; check the network connection"; exit 1; }
	@touch $@

$(COMMAND_LINE): pyproject.toml setup.py .venv/.installed | $(UV)
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable '.[cli]'
	@touch $@

.local/%/.installed: requirements/%.txt | $(UV)
	@echo "Installing the environment '$*' …"
	@$(UV) venv --quiet --clear --python $(BIN)/python .local/$*
	@$(UV) pip install --quiet --python .local/$*/bin/python --require-hashes -r requirements/$*.txt || { echo "error: the Python packages could not be downloaded; check the network connection"; exit 1; }
	@touch $@

.PHONY: setup
setup: $(ENVIRONMENTS) $(COMMAND_LINE) ## Install everything for run and test

.PHONY: lock
lock: | $(UV) ## Update all lock files
	@for lock in requirements/*.in; do \
	  $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $$lock -o $${lock%.in}.txt || exit 1; done
	@$(BIN)/python -m infra.locks layers/*

# ── Use it ────────────────────────────────────────────────────────────────────────────────────────────────────────────

.PHONY: run
run: $(ENVIRONMENTS) $(COMMAND_LINE) ## Run the whole stack on this machine until Ctrl-C; MAKERTASKS_PORT=… chooses the port
	@$(BIN)/python -m infra.local

.PHONY: token url
token: $(ENVIRONMENTS) ## Print an access token for the running stack's API
	@$(BIN)/python -m infra.local token

url: $(ENVIRONMENTS) ## Print the URL of the running stack's API
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
restore: .venv/.installed .local/sam/.installed ## Restore a removed stage with its retained data
	@$(BIN)/python -m infra.restore $(STAGE) $(PARAMETERS)

.PHONY: destroy
destroy: .venv/.installed ## Remove a stage from AWS after confirmation; its data is retained
	@$(BIN)/python -m infra.destroy $(STAGE)

# ── Check it ──────────────────────────────────────────────────────────────────────────────────────────────────────────

# Unit and engine tests run in random order with a random hash seed. Each run prints its seed; `make unit SEED=…` repeats it.
ifndef SEED
SEED := $(shell echo $$RANDOM$$RANDOM)
endif
RANDOMLY = PYTHONHASHSEED=$(SEED) $(BIN)/pytest -n 2 --dist worksteal -p randomly --randomly-seed=$(SEED)
# Times at which code that counts days, hours or months may fail, and the tests of such code.
MOMENTS = 2027-02-28T23:59:50@UTC 2028-02-29T12:00:00@UTC 2026-12-31T23:59:50@UTC 2027-03-14T01:59:50@America/New_York
DATED = tests/unit/test_lead_times.py tests/unit/test_lead_time_figures.py $(addprefix tests/engine/test_,$(addsuffix .py,clean_media delays missed_slots rate_limits recount retention sweeping))

# Suites with one process run two at a time; where make supports it, it prints a suite's output when the suite ends.
.PHONY: test
test: chromium zbar shells check unit engine dates ## Run all checks and tests (about 30 minutes on two cores)
	@$(MAKE) --no-print-directory --jobs 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) browser faults site celery
	@$(MAKE) --no-print-directory stack

.PHONY: check
check: $(ENVIRONMENTS) .local/sam/.installed ## Check format, lint, types and the template
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/cfn-lint --regions us-east-1 eu-central-1 ap-southeast-5 us-gov-west-1 -- template.yaml
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 .local/sam/bin/sam validate --lint

.PHONY: unit
unit: $(ENVIRONMENTS) .local/sam/.installed ## Run the unit tests
	$(RANDOMLY) tests/unit

.PHONY: engine
engine: $(ENVIRONMENTS) ## Test the engine on moto: tasks from submission to end, API, pages and command line
	$(RANDOMLY) tests/engine

PYTHONS ?= 3.11 3.12 3.13
.local/python-%/.installed: requirements/dev.txt | $(UV)
	@echo "Installing the tests' packages for Python $* …"
	@$(UV) venv --quiet --clear --python $* .local/python-$*
	@$(UV) pip install --quiet --python .local/python-$*/bin/python --require-hashes -r requirements/dev.txt
	@touch $@

.PHONY: pythons
pythons: $(ENVIRONMENTS) .local/sam/.installed $(PYTHONS:%=.local/python-%/.installed) ## Run unit and engine tests on every Python; slow (PYTHONS=3.13)
	@for version in $(PYTHONS); do echo "On Python $$version, with seed $(SEED):"; \
	  $(subst $(BIN),.local/python-$$version/bin,$(RANDOMLY)) tests/unit tests/engine || exit 1; done

.PHONY: dates
dates: $(ENVIRONMENTS) ## Test code that counts days: at midnight, on leap day, at the start of daylight saving
	@for moment in $(MOMENTS); do echo "At $$moment, with seed $(SEED):"; $(RANDOMLY) $(DATED) --at $$moment || exit 1; done

# Each worker has its own local AWS; these tests mostly wait, so more workers than cores are faster.
WORKERS ?= 4
.PHONY: stack
stack: $(ENVIRONMENTS) $(COMMAND_LINE) $(CELERIES) .local/sam/.installed .local/awscli/.installed ## Test the real template on the local AWS, with makertasks' and stock Celery clients (WORKERS=2)
	$(BIN)/pytest tests/stack -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: faults soak
SEED ?= 20261122
SIZE ?= 5000
RESTARTS ?= 3
soak: $(ENVIRONMENTS) ## Inject faults into 5,000 tasks, with restarts; slow (SEED=… SIZE=… RESTARTS=…)
	PYTHONPATH=functions:layers/makertasks/python $(BIN)/python -m tests.faults $(SIZE) --seed $(SEED) --restarts $(RESTARTS)

faults: $(ENVIRONMENTS) ## Inject crashes, time-outs, duplicates and AWS errors: each task must still end exactly once
	$(BIN)/pytest tests/faults

CHROMIUMS = chromium-headless-shell chromium chromium-browser google-chrome
INSTALL_CHROMIUM = apt-get install -y --no-install-recommends chromium-headless-shell fonts-dejavu-core fonts-droid-fallback fonts-noto-color-emoji

.PHONY: zbar
zbar: ## Install zbar, which tests use to read QR codes, if missing (on Debian, as root)
	@ldconfig -p 2>/dev/null | grep -q 'libzbar\.so\.0' && exit 0; \
	echo "Tests read QR codes with zbar, which is not installed. On Debian: sudo apt-get install -y libzbar0"; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libzbar0 >/dev/null; \
	fi

.PHONY: shells
shells: ## Install zsh and fish, in which tests complete commands, if missing (on Debian, as root)
	@command -v zsh >/dev/null && command -v fish >/dev/null && exit 0; \
	echo "Tests complete commands in zsh and fish, which are not installed. On Debian: sudo apt-get install -y zsh fish"; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends zsh fish >/dev/null; \
	fi

.PHONY: chromium
chromium: ## Install Chromium for the browser tests if missing: with apt-get as root, otherwise Playwright's
	@command -v $(CHROMIUMS) >/dev/null && exit 0; \
	echo "The browser tests need Chromium, which is not installed. On Debian: sudo $(INSTALL_CHROMIUM)"; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing it …"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(INSTALL_CHROMIUM) -qq >/dev/null && exit 0; \
	  with_deps=--with-deps; \
	fi; \
	echo "Downloading Playwright's Chromium …"; \
	$(MAKE) --silent .venv/.installed && $(BIN)/playwright install $$with_deps --only-shell chromium && exit 0; \
	echo "error: Chromium could not be installed; install it with the command above"; exit 1

.PHONY: browser screenshots
browser: chromium $(ENVIRONMENTS) ## Test the pages in Chromium
	$(BIN)/pytest tests/browser

screenshots: $(ENVIRONMENTS) ## Retake docs/screenshots: every page in both themes
	PYTHONPATH=functions:layers/makertasks/python $(BIN)/python -m tests.browser.screenshots

.PHONY: celery celery-oldest celery-newest
celery: celery-oldest celery-newest ## Compare the wire format with the oldest and newest supported Celery
celery-oldest celery-newest: celery-%: .local/celery-%/.installed
	PYTHONPATH=layers/makertasks/python .local/$@/bin/python -m pytest -q -p no:cacheprovider -c /dev/null --rootdir . tests/celery

.PHONY: celery-comparison
celery-comparison: $(ENVIRONMENTS) $(CELERIES) ## Compare an application on Lambda with a stock worker, about 5 minutes (ONLY=regex, RUNS=200)
	$(if $(ONLY),ONLY='$(ONLY)') $(if $(RUNS),RUNS=$(RUNS)) $(BIN)/pytest tests/comparison

.PHONY: site site-oldest site-newest
site: site-oldest site-newest ## Test a Django site with the stack, on Django 4.2 and the newest version
site-oldest site-newest: site-%: .local/celery-%/.installed
	PYTHONPATH=.:layers/makertasks/python:functions .local/celery-$*/bin/python -m pytest -q -p no:cacheprovider -c /dev/null --rootdir . tests/site

.PHONY: audit
audit: .local/audit/.installed .local/checkov/.installed ## Check pinned packages for known vulnerabilities and the template for flaws; needs the network
	@for lock in requirements/runtime.txt layers/*/requirements.txt; do \
	  .local/audit/bin/pip-audit --strict --disable-pip --require-hashes -r $$lock || exit 1; done
	@.local/checkov/bin/python .local/checkov/bin/checkov --config-file infra/checkov.yaml

.PHONY: format
format: $(ENVIRONMENTS) ## Format the code and apply the linter's fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: task
task: .venv/.installed ## Add a task: make task NAME=print_label (WRITES=labels/ if not print_label/)
	@PYTHONPATH=functions:layers/makertasks/python $(BIN)/python -m infra.new_task "$(NAME)" $(if $(WRITES),"$(WRITES)")

.PHONY: celery-app
celery-app: .venv/.installed .local/ministack/.installed .local/runtime/.installed ## Add a Celery application: make celery-app APP=shop.celery:app FROM=../shop (TRY='shop.tasks.add [2, 3]')
	@PYTHONPATH=functions:layers/makertasks/python $(BIN)/python -m infra.new_application --app "$(APP)" --from "$(FROM)" --packages "$(PACKAGES)" $(if $(REQUIREMENTS),--requirements "$(REQUIREMENTS)") --try '$(TRY)'

.PHONY: events
events: $(ENVIRONMENTS) ## Regenerate the tasks' test events from their declared examples
	@PYTHONPATH=functions:layers/makertasks/python $(BIN)/python -m infra.examples

.PHONY: bench
bench: $(ENVIRONMENTS) ## Measure the README's claims, each against a baseline from the same run
	PYTHONPATH=functions:layers/makertasks/python:layers/fonts/python $(BIN)/python -m tests.bench
