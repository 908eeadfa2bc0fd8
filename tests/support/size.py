"""How much the tests try: `make test` keeps to a few minutes, and the gate sets FULL=1 and tries everything.

Only the gate runs what is marked `full`, and tries all examples of a property.
"""

import os

FULL = os.environ.get("FULL", "0") not in ("", "0")
EXPLORE = os.environ.get("EXPLORE", "0") not in ("", "0")  # what even the gate leaves out: `make explore`
# Batches and what comes again make it twice as many.
RANDOM_RUN_EMAILS = int(os.environ.get("EMAILS") or (500 if FULL else 40))
BACKLOG_EMAILS = 5000


def examples(full: int) -> int:
    """How many examples a property test tries: `full` in the gate, a quarter of them otherwise."""
    return full if FULL else full // 4
