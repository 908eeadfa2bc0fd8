"""The emulator without a journal, for tests and benches. Other sites' pages are refused here, too."""

import sys
from importlib import import_module

from .guard import guarded


def main() -> None:
    """Serve with the settings of the environment, as ministack's own command does."""
    ministack = import_module("ministack.app")
    setattr(ministack, "app", guarded(ministack.app, ()))  # noqa: B010 because this is what its command serves
    sys.argv[1:] = []
    ministack.main()
