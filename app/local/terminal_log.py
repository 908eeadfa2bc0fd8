"""The log of local mode, for a terminal: one line for an ordinary email, one for each call of a webhook of an
application, and one for whatever went wrong.

`LOG_FORMAT=json` gives every line as a deployed process writes it.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from app.domain.head import EmailStatus
from app.local.mode import LocalError

TEXT, JSON = "text", "json"

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_ENDS: Final = frozenset(
    {EmailStatus.FAILED, EmailStatus.CANCELED, EmailStatus.EXPIRED, EmailStatus.PARTIALLY_DELIVERED}
)
_ORDINARY: Final = 400  # a request with a lower status is not worth a line: pages ask many times a minute


def use(env: Mapping[str, str]) -> None:
    """Write the log of this process as LOG_FORMAT says. Call it after `app.logs.configure`, which makes the handlers.

    Raises LocalError if LOG_FORMAT is neither `text` nor `json`.
    """
    chosen = env.get("LOG_FORMAT") or TEXT
    if chosen not in (TEXT, JSON):
        raise LocalError(f"LOG_FORMAT must be {TEXT} or {JSON}, is {chosen!r}")
    for handler in logging.getLogger().handlers if chosen == TEXT else ():
        handler.setFormatter(Lines())
        handler.addFilter(is_worth_a_line)


def is_worth_a_line(record: logging.LogRecord) -> bool:
    """A logging filter: warnings and errors pass, and of the others what is new of an email. DEBUG lets all pass."""
    if record.levelno != logging.INFO or logging.getLogger().level <= logging.DEBUG:
        return True
    fields = vars(record)
    match record.getMessage():
        case "attempt":
            return True
        case "status":
            return fields.get("is") in _ENDS or bool(fields.get("given_up"))
        case "notification":
            return bool(fields.get("is_called"))
        case "request":
            return fields.get("route") != "none" and int(fields.get("status", 0)) >= _ORDINARY
        case _:
            return False


class Lines(logging.Formatter):
    """Writes a record as a line that begins with the time of this machine's clock. A traceback follows in its own."""

    def __init__(self) -> None:
        super().__init__(datefmt="%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """The line of `record`."""
        write = _WORDS.get(record.getMessage())
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        try:
            words = write(fields) if write else _plain(record, fields)
        except KeyError:  # another module's line of the same name, or one of another version
            words = _plain(record, fields)
        trace = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{self.formatTime(record, self.datefmt)}  {words}{trace}"


def _attempt(fields: Mapping[str, Any]) -> str:
    email_id, provider, took = fields["email_id"], fields["provider"], f"{fields['ms']} ms"
    number = f"attempt {fields['attempt']}: " if fields["attempt"] > 1 else ""
    if fields["outcome"] == "accepted":
        return f"{email_id}  {number}{provider} accepted it in {took}"
    why = ", ".join(str(part) for part in (fields["cause"], fields["status_code"]) if part)
    return f"{email_id}  {number}{provider} is {fields['outcome']} ({why}) after {took}"


def _status(fields: Mapping[str, Any]) -> str:
    return f"{fields['email_id']}  {fields['is']}; recipients given up: {fields['given_up']}"


def _notification(fields: Mapping[str, Any]) -> str:
    about = f"{fields['email_id']}  " if fields["email_id"] else ""
    number = f"try {fields['number']}: " if fields["number"] > 1 else ""
    what, took = f"{number}{fields['type']}", f"{fields['ms']} ms"
    if fields["outcome"] == "taken":
        return f"{about}{what} was taken by {fields['endpoint_id']} in {took}"
    why = fields["status_code"] or fields["fault"]
    return f"{about}{what} was not taken by {fields['endpoint_id']} ({why}) after {took}"


def _request(fields: Mapping[str, Any]) -> str:
    return f"{fields['method']} {fields['route']} was answered {fields['status']} in {fields['ms']} ms"


def _plain(record: logging.LogRecord, fields: Mapping[str, Any]) -> str:
    shown = "".join(f"  {name}={value!r}" for name, value in fields.items() if value is not None)
    return f"{record.levelname}  {' '.join(record.getMessage().split())}{shown}"


_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "attempt": _attempt,
    "status": _status,
    "notification": _notification,
    "request": _request,
}
