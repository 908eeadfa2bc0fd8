"""How much the tests try: `make test` tries what is quick (QUICK=1), and the gate everything (FULL=1).

Only the gate runs what is marked `full`, and tries all examples of a property.
"""

import os
from pathlib import Path

FULL = os.environ.get("FULL", "0") not in ("", "0")
EXPLORE = os.environ.get("EXPLORE", "0") not in ("", "0")  # what even the gate leaves out: `make explore`
# `make test` asks for it: of a test with many cases, so many are tried, evenly spread, and what is slow is left out.
QUICK = not FULL and os.environ.get("QUICK", "0") not in ("", "0")
CASES = 3
_SLOW_ONES = Path(__file__).parents[1] / "slow.txt"
SLOW = frozenset(line for line in _SLOW_ONES.read_text().splitlines() if not line.startswith("#"))
# Batches and what comes again make it twice as many.
RANDOM_RUN_EMAILS = int(os.environ.get("EMAILS") or (500 if FULL else 28 if QUICK else 40))
BACKLOG_EMAILS = 5000


def examples(full: int) -> int:
    """How many examples a property test tries: `full` in the gate, a quarter of them otherwise."""
    return full if FULL else full // 4
