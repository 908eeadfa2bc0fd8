# The OpenAPI document as Postman and Bruno import it. Included by the Makefile.

COLLECTIONS := build/collections
NPM ?= $(shell command -v npm)

.PHONY: collections

collections: $(VENV)/.dev $(EMULATOR)/.installed $(if $(NPM),$(COLLECTIONS)/.installed) ## Import docs/openapi.json into Postman and Bruno, and send every request (needs npm, with Node 20.19 or later)
	@$(if $(NPM),$(VENV)/bin/python -m pytest tests/collections $(ARGS),echo 'npm is missing, so Postman and Bruno are not tried' >&2)

# Installed apart from the tests, because the two bring 670 packages. Nothing of them is run while they are installed.
$(COLLECTIONS)/.installed: tests/collections/package.json tests/collections/package-lock.json tests/collections/.npmrc
	@mkdir -p $(COLLECTIONS)
	@cp $^ $(COLLECTIONS)
	cd $(COLLECTIONS) && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@
