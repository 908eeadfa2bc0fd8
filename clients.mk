# The OpenAPI document as a contract: linters, generated clients, and the examples. Included by the Makefile.

CLIENTS ?= .clients
NODE := build/clients
EXAMPLES := build/examples
NPM := $(shell command -v npm)
NPM_CI := npm ci --no-audit --no-fund --loglevel error

.PHONY: clients

clients: export CLIENTS_PYTHON = $(abspath $(CLIENTS))/bin/python
clients: $(VENV)/.dev $(EMULATOR)/.installed $(CLIENTS)/.installed $(if $(NPM),$(NODE)/.installed $(EXAMPLES)/.installed) ## Lint docs/openapi.json, generate clients from it, use them, run the examples (needs npm, with Node 20.19 or later)
	@$(if $(NPM),,echo 'npm is missing, so what needs it is not tried: redocly lint, and the clients and examples of TypeScript' >&2)
	@$(VENV)/bin/python -m pytest tests/clients $(if $(NPM),,-m 'not npm') $(ARGS)

$(CLIENTS)/.installed: requirements/clients.txt | $(CLIENTS)/bin/python
	$(CLIENTS)/$(INSTALL) $<
	@$(CLIENTS)/$(CONSISTENT)
	@touch $@

# Installed where the clients are generated, because node looks for packages beside what imports them.
$(NODE)/.installed: tests/clients/package.json tests/clients/package-lock.json tests/clients/.npmrc
	@mkdir -p $(NODE)
	@cp $^ $(NODE)
	cd $(NODE) && $(NPM_CI)
	@touch $@

# As examples/README.md says, but apart from the files of the repository.
$(EXAMPLES)/.installed: examples/typescript/package.json examples/typescript/package-lock.json examples/typescript/.npmrc
	@mkdir -p $(EXAMPLES)
	@cp $^ $(EXAMPLES)
	cd $(EXAMPLES) && $(NPM_CI)
	@touch $@
