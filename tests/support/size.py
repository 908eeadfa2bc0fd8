"""How much the tests try: `make test` keeps to four minutes, and the gate sets FULL=1 and tries everything.

A test that is marked `full` runs in the gate only.
"""

import os

FULL = os.environ.get("FULL", "0") not in ("", "0")
RANDOM_RUN_EMAILS = int(os.environ.get("EMAILS") or (2000 if FULL else 160))
BACKLOG_EMAILS = 5000 if FULL else 1700
