# EmailsMinder: `make run` and `make test` need Python 3.11 or later with venv, and nothing else.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
EMULATOR ?= .emulator
AUDIT ?= .audit
CFN_LINT ?= .cfn-lint
# The version that Lambda runs comes first: tests run on it then, and it compiles the package.
PYTHON ?= $(shell for python in python3.13 python3.14 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# Like app.local: the environment wins over .env.
PORT ?= $(shell sed -n 's/^PORT=\([0-9][0-9]*\).*/\1/p' .env 2>/dev/null | tail -n 1)
override PORT := $(or $(PORT),8000)
EMULATOR_PYTHON ?= $(abspath $(EMULATOR))/bin/python
export PORT EMULATOR_PYTHON

# A lock is complete and holds wheels, so pip neither resolves nor builds: its own age and what was released since make
# no difference.
PIP_INSTALL := bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all:
INSTALL := $(PIP_INSTALL) --requirement
CONSISTENT := bin/python -m pip check --disable-pip-version-check
COMPILE := $(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11

# A collector of traces, of the environment or of .env (docs/tracing.md): then OpenTelemetry is installed for `make run`.
TRACED := $(or $(OTEL_EXPORTER_OTLP_ENDPOINT),$(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT),$(shell \
	grep -Es '^OTEL_EXPORTER_OTLP_(TRACES_)?ENDPOINT=.' .env))

.PHONY: environments help run urls tracing test test-browser screenshots check emulator lock openapi matrix states variables excerpts clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ENVIRONMENTS = $(VENV)/.local $(if $(TRACED),$(VENV)/.tracing)
run: environments ## Start everything on this machine: API, worker, AWS emulator, provider simulator
	@exec $(VENV)/bin/python -m uvicorn app.main:app --host 127.0.0.1 --port $(PORT) --no-access-log --http app.api.http11:Protocol

# What a goal needs and the emulator are installed beside each other.
environments:
	@$(MAKE) --no-print-directory --jobs=2 $(ENVIRONMENTS) $(EMULATOR)/.installed

urls: $(VENV)/.local ## Show again what the `make run` of this folder said when it had started
	@$(VENV)/bin/python -m app.local.urls

tracing: $(VENV)/.tracing ## Install OpenTelemetry, which sends traces to a collector

# Coverage is measured when it is asked for: tracing takes as long again as the tests.
COVERAGE := $(if $(filter-out 0,$(COV)),--cov --cov-report=term-missing)

# Only the gate sends what is made up from the OpenAPI document, and every worker would load its library.
OF_THE_GATE := $(if $(filter-out 0,$(FULL)),,-p no:schemathesis --ignore=tests/fuzz/test_openapi_fuzz.py)

# Each of the workers and of the processes that they start would compile everything anew without it.
test: export PYTHONDONTWRITEBYTECODE =
test: export QUICK ?= $(if $(ARGS)$(COVERAGE),0,1)
test: ENVIRONMENTS = $(VENV)/.dev $(VENV)/.rewritten
test: environments ## Run the quick tests (ARGS=tests/domain: some; FULL=1: all that the gate tries; COV=1: with branch coverage)
	@$(VENV)/bin/python -m pytest -n 5 --dist loadfile --no-loadscope-reorder $(addprefix --ignore=tests/,browser clients collections deploy) $(OF_THE_GATE) $(COVERAGE) $(ARGS)

REWRITE := $(VENV)/bin/python -m pytest --collect-only --quiet --quiet -p no:schemathesis --ignore=tests/fuzz >/dev/null

# pytest rewrites the assertions of each file once. All workers at once would each do so for all files.
$(VENV)/.rewritten: export PYTHONDONTWRITEBYTECODE =
$(VENV)/.rewritten: | $(VENV)/.dev
	@$(REWRITE) tests/[a-d]* & $(REWRITE) tests/[e-z]*; wait
	@touch $@

test-browser: export CHROMIUM ?= $(shell command -v chromium chromium-browser google-chrome google-chrome-stable | head -n 1)
test-browser: $(VENV)/.browser $(EMULATOR)/.installed ## Use the playground and the documentation page in a real browser, a Chromium of the system
	@[[ -x "$$CHROMIUM" ]] || { echo 'No Chromium found: on Debian, sudo apt-get install chromium; elsewhere, run' \
		'make test-browser CHROMIUM=/path/to/chromium (or to Google Chrome)' >&2; exit 1; }
	@$(VENV)/bin/python -m pytest tests/browser $(ARGS)

screenshots: export CHROMIUM ?= $(shell command -v chromium chromium-browser google-chrome google-chrome-stable | head -n 1)
screenshots: $(VENV)/.browser $(EMULATOR)/.installed ## Take the README's picture of the playground anew, docs/playground.png
	@$(VENV)/bin/python -m tests.browser.screenshots

check: $(VENV)/.dev $(CFN_LINT)/.installed ## Lint, format, types, import contracts, the template, known vulnerabilities of the libraries
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	PYTHONPATH=. $(VENV)/bin/lint-imports
	@mkdir -p build && $(VENV)/bin/python -m infra.template > build/template.json
	$(CFN_LINT)/bin/cfn-lint --include-checks I -- build/template.json
	$(VENV)/bin/python -m infra.advisories $(AUDIT)

emulator: $(EMULATOR)/.installed ## Install the AWS emulator

lock: $(VENV)/.dev ## Resolve the dependencies again
	$(COMPILE) pyproject.toml --upgrade --output-file requirements/runtime.txt
	$(COMPILE) pyproject.toml --upgrade --extra local --constraint requirements/runtime.txt --output-file requirements/local.txt
	$(COMPILE) pyproject.toml --upgrade --extra tracing --constraint requirements/local.txt --output-file requirements/tracing.txt
	$(COMPILE) pyproject.toml --upgrade --extra local --extra tracing --extra dev --constraint requirements/local.txt --constraint requirements/tracing.txt --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --upgrade --extra local --extra tracing --extra dev --extra browser --constraint requirements/dev.txt --output-file requirements/browser.txt
	$(COMPILE) requirements/emulator.in --upgrade --output-file requirements/emulator.txt
	$(COMPILE) requirements/peers.in --upgrade --output-file requirements/peers.txt
	$(COMPILE) requirements/mutants.in --upgrade --output-file requirements/mutants.txt
	$(COMPILE) requirements/cfn-lint.in --upgrade --output-file requirements/cfn-lint.txt
	$(COMPILE) requirements/clients.in --upgrade --output-file requirements/clients.txt
	$(COMPILE) requirements/audit.in --upgrade --output-file requirements/audit.txt
	$(COMPILE) requirements/build.in --upgrade --output-file requirements/build.txt
	$(COMPILE) requirements/deploy.in --upgrade --constraint requirements/build.txt --output-file requirements/deploy.txt

openapi: $(VENV)/.dev ## Write docs/openapi.json
	$(VENV)/bin/python -m app.admin openapi > docs/openapi.json

matrix: $(VENV)/.dev ## Write docs/providers/matrix.md from the providers' tables of limits
	$(VENV)/bin/python -m app.admin matrix > docs/providers/matrix.md

states: $(VENV)/.dev ## Write docs/states.md from the state table
	$(VENV)/bin/python -m app.admin states > docs/states.md

variables: $(VENV)/.dev ## Write the providers' part of .env.example, and docs/providers/variables.md
	$(VENV)/bin/python -m app.admin variables example > .env.example.new && mv .env.example.new .env.example
	$(VENV)/bin/python -m app.admin variables page > docs/providers/variables.md

excerpts: $(VENV)/.dev ## Write the code that docs/adding-a-provider.md shows, from the files that hold it
	$(VENV)/bin/python -m tests.support.excerpts docs/adding-a-provider.md

clean: ## Remove environments and caches; the emails in .data stay
	rm -rf $(VENV) $(EMULATOR) $(AUDIT) $(CFN_LINT) $(CLIENTS) $(DEPLOY) $(MUTANTS) build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each environment is made from a lock with hashes; its stamp is older than a lock that changed.

$(VENV)/.local: requirements/local.txt | $(VENV)/bin/python
	$(VENV)/$(INSTALL) $<
	@$(VENV)/$(CONSISTENT)
	@touch $@

$(VENV)/.tracing: requirements/tracing.txt | $(VENV)/bin/python
	$(VENV)/$(INSTALL) $<
	@$(VENV)/$(CONSISTENT)
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/bin/python
	$(VENV)/$(INSTALL) $<
	@$(VENV)/$(CONSISTENT)
	@touch $@ $(VENV)/.local $(VENV)/.tracing

$(VENV)/.browser: requirements/browser.txt | $(VENV)/bin/python
	$(VENV)/$(INSTALL) $<
	@$(VENV)/$(CONSISTENT)
	@touch $@ $(VENV)/.dev $(VENV)/.local $(VENV)/.tracing

$(EMULATOR)/.installed: requirements/emulator.txt | $(EMULATOR)/bin/python
	$(EMULATOR)/$(INSTALL) $<
	@$(EMULATOR)/$(CONSISTENT)
	@touch $@

$(CFN_LINT)/.installed: requirements/cfn-lint.txt | $(CFN_LINT)/bin/python
	$(CFN_LINT)/$(INSTALL) $<
	@$(CFN_LINT)/$(CONSISTENT)
	@touch $@

# Made when the service that it asks answers.
$(AUDIT)/.installed: requirements/audit.txt | $(AUDIT)/bin/python
	$(AUDIT)/$(INSTALL) $<
	@$(AUDIT)/$(CONSISTENT)
	@touch $@

%/bin/python:
	@[[ -n "$(PYTHON)" ]] || { echo 'Python 3.11 or later is needed: install it, or run make with PYTHON=/path/to/python' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo '$(PYTHON) is older than Python 3.11: run make with PYTHON=/path/to/a/newer/python' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo 'The venv module of $(PYTHON) is missing: on Debian, sudo apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv $*

include clients.mk
include deploy.mk
include bench.mk
include collections.mk
