"""The form that sends an email: its fields, the request that they become, and the API's errors at their fields."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from aiohttp.web import FileField

from app.local.playground.api import Answer

TEXTS: Final = ("from", "to", "subject", "text", "html")
FILE: Final = "attachment"
# The first part of a field that an error names → the field of the form.
_FIELDS: Final = {**{name: name for name in TEXTS}, "attachments": FILE, "body": "text"}
_ADDRESS: Final = re.compile(r'(?:"[^"]*"|[^,;\n])+')

PREFILLED: Final[Mapping[str, str]] = {
    "from": "App <no-reply@example.com>",
    "to": "alice@example.net",
    "subject": "Your receipt",
    "text": "Thank you. Your order is on its way.",
    "html": "<h1>Thank you</h1>\n<p>Your order is on its way.</p>",
}
_HTML: Final = """<body style="margin: 0; padding: 28px 32px; font: 16px/1.6 system-ui, sans-serif; color: #16191f">
<h1 style="margin: 0 0 12px; font-size: 24px">{subject}</h1>
<p>Hello {name},</p>
<p>thank you for trying this out.</p>
</body>
"""
_PEOPLE: Final = ("alice", "bob", "carol", "dan", "erin", "frank", "grace", "heidi", "ivan", "judy")
_SUBJECTS: Final = ("Your receipt", "Your code", "Reset your password", "Your invoice", "Welcome")


@dataclass(slots=True)
class Form:
    """What the form shows: the values, and what is wrong with each field. `problem` belongs to no field."""

    values: Mapping[str, str] = field(default_factory=lambda: dict(PREFILLED))
    errors: dict[str, list[str]] = field(default_factory=dict)
    problem: str = ""


def request(values: Mapping[str, str], file: FileField | None) -> dict[str, Any]:
    """The body of `POST /v1/emails` for these values. Empty fields are left out."""
    body: dict[str, Any] = {name: values[name] for name in ("from", "subject", "text", "html") if values.get(name)}
    body.setdefault("subject", "")
    body["to"] = _addresses(values)
    if file is not None:
        content = base64.b64encode(file.file.read()).decode()
        body["attachments"] = [{"filename": file.filename, "content": content, "content_type": file.content_type}]
    return body


def failed(values: Mapping[str, str], answer: Answer | None, url: str) -> Form:
    """The form again, after the API did not accept the email."""
    form = Form(values)
    has_several = len(_addresses(values)) > 1
    if answer is None:
        form.problem = f"The API does not answer at {url}."
        return form
    for error in answer.body.get("errors", ()):
        name = _FIELDS.get(re.split(r"[.\[]", error["field"])[0])
        if name is None:
            form.problem = f"{error['field']}: {error['message']}"
        else:
            form.errors.setdefault(name, []).append(_at_its_field(error["field"], error["message"], has_several))
    if not form.errors and not form.problem:
        form.problem = str(answer.body.get("detail") or f"The API answered {answer.status}.")
    return form


def _addresses(values: Mapping[str, str]) -> list[str]:
    return [each.strip() for each in _ADDRESS.findall(values.get("to", "")) if each.strip()]


def _at_its_field(path: str, message: str, has_several: bool) -> str:
    """An error without the name of its field, but with the number in To, where that `has_several` addresses."""
    number = re.match(r"to\[(\d+)\]", path)
    return f"number {int(number[1]) + 1} {message}" if number and has_several else message


class Samples:
    """Emails to send without writing one. Each is to somebody else, in turn."""

    def __init__(self) -> None:
        self._count = count()

    def take(self, number: int) -> Sequence[dict[str, Any]]:
        """The next `number` emails, as bodies of `POST /v1/emails`."""
        return [self._one(next(self._count)) for _ in range(number)]

    def _one(self, number: int) -> dict[str, Any]:
        person, subject = _PEOPLE[number % len(_PEOPLE)], _SUBJECTS[number % len(_SUBJECTS)]
        return {
            "from": PREFILLED["from"],
            "to": [f"{person.title()} <{person}@example.net>"],
            "subject": subject,
            "text": f"Hello {person.title()},\n\nthank you for trying this out.\n",
            "html": _HTML.format(subject=subject, name=person.title()),
            "tags": ["playground"],
        }
