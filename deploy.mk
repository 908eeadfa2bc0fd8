# Deployment, in an environment of its own. Included by the Makefile.

DEPLOY ?= .deploy
STAGE ?= dev
ZAPPA := $(DEPLOY)/bin/zappa
# Workers first: what a new API writes, they must understand.
STAGES = $(addprefix $(STAGE)_,attempts_urgent attempts_normal attempts_bulk deliveries changes sweep) $(STAGE)

# API Gateway takes one new deployment of an API in five seconds, and Lambda few changes at once: botocore's own five
# tries, within seconds, are too few ("Amazon API Gateway quotas", API Gateway Developer Guide; from memory, not looked up).
export AWS_RETRY_MODE ?= standard
export AWS_MAX_ATTEMPTS ?= 10

# One command at a time changes an environment; who comes second is told who is first.
HOLD = $(DEPLOY)/bin/python -m infra.lock hold $(STAGE)

.PHONY: package deploy rollback versions remove smoke e2e

package: $(DEPLOY)/.installed ## Build the package of the functions into dist/, for the runtime of STAGE
	@$(DEPLOY)/bin/python -m infra.package $(STAGE)

deploy: package ## Deploy or update every function of STAGE (dev or production) and all it needs
	@$(HOLD) $(SHELL) -c 'done=; for stage in $(STAGES); do \
		step=$$($(DEPLOY)/bin/python -m infra.next_step $$stage) \
			&& $(ZAPPA) $$step $$stage --disable_progress \
			|| { echo "Deployed:$${done:- nothing}. Failed: $$stage. When its cause is gone: make deploy STAGE=$(STAGE)" >&2; exit 1; }; \
		done="$$done $$stage"; \
	done'

rollback: $(DEPLOY)/.installed ## Go back to the deployment of STAGE before this one, or TO=another of make versions
	@$(HOLD) $(DEPLOY)/bin/python -m infra.rollback $(STAGE) $(TO)

versions: $(DEPLOY)/.installed ## Show which deployments of STAGE can be gone back to
	@$(DEPLOY)/bin/python -m infra.rollback $(STAGE) --list

remove: $(DEPLOY)/.installed ## Remove the functions and the API of STAGE; DATA=delete: everything else, too
	@$(HOLD) $(SHELL) -c 'for stage in $(STAGE) $(filter-out $(STAGE),$(STAGES)); do $(ZAPPA) undeploy $$stage --yes; done; \
		$(DEPLOY)/bin/python -m infra.stack $(if $(filter delete,$(DATA)),delete,silence) $(STAGE)'

smoke: $(VENV)/.dev $(DEPLOY)/.installed ## Make STAGE in a real AWS account, show what no emulator can, remove it (ARGS='--keep')
	@$(VENV)/bin/python -m infra.smoke $(STAGE) $(ARGS)

e2e: $(VENV)/.dev $(EMULATOR)/.installed $(DEPLOY)/.installed ## Deploy to the AWS emulator with Zappa and try everything
	@$(VENV)/bin/python -m pytest tests/deploy --timeout 900 $(ARGS)

# placebo, which Zappa needs, comes as source only: it is built by the locked setuptools, not by the newest one.
$(DEPLOY)/.installed: requirements/deploy.txt requirements/build.txt | $(DEPLOY)/bin/python
	$(DEPLOY)/$(INSTALL) requirements/build.txt
	$(DEPLOY)/$(PIP_INSTALL) --no-binary placebo --no-build-isolation --use-pep517 --requirement $<
	@$(DEPLOY)/$(CONSISTENT)
	@touch $@
