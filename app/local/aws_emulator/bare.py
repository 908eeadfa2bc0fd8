"""The emulator without a journal, for tests and benches. Other sites' pages are refused here, too."""

import sys
from importlib import import_module
from typing import Any

from .guard import guarded


def main() -> None:
    """Serve with the settings of the environment, as ministack's own command does."""
    ministack = import_module("ministack.app")
    setattr(ministack, "app", guarded(ministack.app, ()))  # noqa: B010 because this is what its command serves
    let_publish_allow_batches(import_module("ministack.core.iam_actions"))
    sys.argv[1:] = []
    ministack.main()


def let_publish_allow_batches(actions: Any) -> None:
    """Let the permission sns:Publish allow PublishBatch, for which AWS has none of its own and ministack asks for one.

    SNS Developer Guide, "Amazon SNS API permissions" (read 2026-11-29).
    """
    extract = actions.extract_iam_action

    def extracted(*arguments: Any) -> Any:
        action = extract(*arguments)
        return "sns:Publish" if action == "sns:PublishBatch" else action

    actions.extract_iam_action = extracted
