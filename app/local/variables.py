"""Reads the variables that only local mode has."""

from collections.abc import Mapping

from app.local.mode import LocalError


def whole(env: Mapping[str, str], name: str, default: int, at_most: int) -> int:
    """The whole number from 1 to `at_most` in the variable `name`. Raises LocalError naming it if it is none."""
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 0 < int(text) <= at_most):
        raise LocalError(f"{name} must be a whole number from 1 to {at_most}, is {text!r}")
    return int(text)
