"""Logs a fault after which the use case goes on, so that no exception says it."""

import logging

from app.errors import ServiceUnavailable


def log_fault(log: logging.Logger, message: str, error: Exception, **fields: object) -> None:
    """Log `error` on the level ERROR, with these fields and its `reason`.

    The line has a traceback, unless the error is a ServiceUnavailable: that is expected, and its sentence says all. The
    sentence never holds what was passed to the service.
    """
    is_expected = isinstance(error, ServiceUnavailable)
    reason = error.detail if isinstance(error, ServiceUnavailable) else type(error).__name__
    log.error(message, exc_info=None if is_expected else error, extra={**fields, "reason": reason})
