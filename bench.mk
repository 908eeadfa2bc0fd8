# Experiments on whole installations (see docs/outages.md and docs/performance.md) and on the tests. Included by the Makefile.

MUTANTS ?= .mutants

.PHONY: lanes receivers outages outages-peers chaos soak fire conform explore bench bench-local bench-bulk backlog simulate mutants

outages: $(VENV)/.dev $(EMULATOR)/.installed ## Every failure mode of a first provider against a second one that works
	@$(VENV)/bin/python -m bench.outage_matrix $(ARGS)

outages-peers: $(VENV)/.dev $(EMULATOR)/.installed ## The same with other libraries side by side, installed below build/ (needs npm)
	@$(VENV)/bin/python -m bench.outage_matrix --peers $(ARGS)

chaos: $(VENV)/.dev $(EMULATOR)/.installed ## 2,000 emails while providers fail each second and workers are killed
	@$(VENV)/bin/python -m bench.chaos $(ARGS)

soak: $(VENV)/.dev $(EMULATOR)/.installed ## kill -9 with 1,000 emails in flight, a full disk, the emulator's growth; 15 minutes, on Linux
	@$(VENV)/bin/python -m bench.soak $(ARGS)

fire: export EMAILS ?= 10000
fire: $(VENV)/.dev $(EMULATOR)/.installed ## Random interleavings of everything that may happen to 10,000 emails (EMAILS=, SEED=)
	@$(VENV)/bin/python -m pytest tests/delivery/test_random_runs.py tests/notify/test_random_publishing.py -s $(ARGS)

conform: $(VENV)/.dev $(EMULATOR)/.installed ## The store's and delivery's tests over AWS's own engine (DYNAMODB_LOCAL=, DYNAMODB_URL=)
	@$(VENV)/bin/python -m bench.conform $(ARGS)

explore: $(VENV)/.dev ## Every order of events in the delivery protocol in the largest spaces, and a month of health at every rate
	@FULL=1 EXPLORE=1 $(VENV)/bin/python -m pytest tests/domain/test_protocol.py tests/bench/test_health_world.py $(ARGS)

bench: $(VENV)/.dev $(EMULATOR)/.installed ## What an email costs, as a ratio to a bare baseline
	@$(VENV)/bin/python -m bench.throughput $(ARGS)

bench-local: $(VENV)/.dev $(EMULATOR)/.installed ## How fast an installation on this machine is, and what it costs while nothing happens
	@$(VENV)/bin/python -m bench.local_mode $(ARGS)

bench-bulk: $(VENV)/.dev $(EMULATOR)/.installed ## What a sweep of 5,000 due emails costs, and a webhook of 1,000 events
	@$(VENV)/bin/python -m bench.bulk $(ARGS)

lanes: $(VENV)/.dev $(EMULATOR)/.installed ## An urgent email's time to a provider behind 10,000 bulk ones, alone, and the ratio (ARGS=--local: on this machine)
	@$(VENV)/bin/python -m bench.lanes $(ARGS)

receivers: $(VENV)/.dev $(EMULATOR)/.installed ## A well receiver's webhooks beside one that hangs, one that answers 500 and one that vanishes, and alone; 15 minutes (ARGS=--local: sending, too, on this machine; 40 minutes)
	@$(VENV)/bin/python -m bench.receivers $(ARGS)

backlog: $(VENV)/.dev $(EMULATOR)/.installed ## 100,000 due emails, swept in bounded runs
	@$(VENV)/bin/python -m bench.backlog $(ARGS)

simulate: $(VENV)/.dev ## Cost and scale on paper, and outages in simulated time; ARGS=--write writes docs/scaling.md
	@$(VENV)/bin/python -m bench.simulate $(ARGS)

mutants: export MUTANTS_PYTHON = $(abspath $(MUTANTS))/bin/python
mutants: $(VENV)/.dev $(EMULATOR)/.installed $(MUTANTS)/.installed ## Thousands of small changes to the code: does a test notice? (SAMPLE=, SEED=, ONLY=)
	@$(VENV)/bin/python -m bench.mutants

$(MUTANTS)/.installed: requirements/mutants.txt | $(MUTANTS)/bin/python
	$(MUTANTS)/$(INSTALL) $<
	@$(MUTANTS)/$(CONSISTENT)
	@touch $@
