"""How a fault that fails nobody's call is logged."""

import logging

from app.errors import ServiceUnavailable


def log_fault(log: logging.Logger, message: str, error: Exception, **fields: object) -> None:
    """Log an error with these fields and its `reason`.

    Without a traceback if a service does not answer: that is expected, and its sentence says all. What was passed to
    the service is in no sentence.
    """
    is_expected = isinstance(error, ServiceUnavailable)
    reason = error.detail if isinstance(error, ServiceUnavailable) else type(error).__name__
    log.error(message, exc_info=None if is_expected else error, extra={**fields, "reason": reason})
