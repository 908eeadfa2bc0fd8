"""Counts what a provider says that cannot be attributed to anybody. `app.metrics` reads these lines."""

import logging

_log = logging.getLogger(__name__)


def left_out(account: str, event_id: str) -> None:
    """Log that an event of a verified webhook cannot be read, and is left out."""
    _log.warning("event left out", extra={"provider": account, "event_id": event_id})


def several_people(account: str, event_id: str) -> None:
    """Log that a report lists several people of whom it is true of one."""
    _log.warning("report about several people", extra={"provider": account, "event_id": event_id})
