"""How much is tried: the same examples every time, or with `FUZZ_EXAMPLES=300` so many and others every time."""

import os

from hypothesis import HealthCheck, settings

from tests.support import size

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))


def bounded(examples: int) -> settings:
    """At most `examples` for one test in the gate, unless the environment says how many."""
    return settings(
        max_examples=EXAMPLES or size.examples(examples),
        derandomize=not EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
