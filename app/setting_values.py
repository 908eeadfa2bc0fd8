"""Reads values of environment variables. Each function raises ConfigurationError, which names the variable."""

import re
from collections.abc import Mapping

from app.errors import ConfigurationError

_DIGITS = re.compile(r"[0-9]{1,15}")  # int() would take digits of other scripts, and underscores
_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")


def list_of(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The values of a variable that are separated by commas. One that is not set has none."""
    return tuple(item.strip() for item in env.get(name, "").split(",") if item.strip())


def switch(env: Mapping[str, str], name: str) -> bool:
    """Whether a variable is `on`; it is off if it is not set."""
    text = (env.get(name) or "off").strip().lower()
    if text not in ("on", "off"):
        raise ConfigurationError(f"{name}: must be on or off, is {text!r}")
    return text == "on"


def whole(env: Mapping[str, str], name: str, default: str, at_least: int, at_most: int) -> int:
    """A whole number within these limits."""
    text = (env.get(name) or default).strip()
    if not _DIGITS.fullmatch(text):
        raise ConfigurationError(f"{name}: must be a whole number, is {text!r}")
    return int(_bounded(name, int(text), at_least, at_most))


def seconds(env: Mapping[str, str], name: str, default: str, at_least: float, at_most: float) -> float:
    """A number of seconds within these limits, with a decimal point or without."""
    text = (env.get(name) or default).strip()
    if not _DECIMAL.fullmatch(text):
        raise ConfigurationError(f"{name}: must be a number of seconds, such as 2.5, is {text!r}")
    return _bounded(name, float(text), at_least, at_most)


def _bounded(name: str, value: float, at_least: float, at_most: float) -> float:
    if not at_least <= value <= at_most:
        raise ConfigurationError(f"{name}: must be from {at_least:.15g} to {at_most:.15g}, is {value:.15g}")
    return value
