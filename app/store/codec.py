"""Converts notices and suppressions to plain JSON values and back.

Defaults are left out, because every stored byte is billed.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from app.domain.suppression import Notice, Reason, Suppression

Json = dict[str, Any]
Word = TypeVar("Word", bound=StrEnum)
Otherwise = TypeVar("Otherwise")


def notice_to_json(notice: Notice) -> Json:
    """What a client was told of a suppressed recipient, as JSON."""
    return {"reason": notice.reason.value, "until": notice.until_ms}


def notice_from_json(data: Mapping[str, Any]) -> Notice:
    """Restore what `notice_to_json` made JSON of."""
    return Notice(_reason(data["reason"]), data["until"])


def suppressions_to_json(suppressions: Mapping[Reason, Suppression]) -> Json:
    """The suppressions of one address as JSON, by reason."""
    return {
        reason.value: {"evidence": each.evidence, "since": each.since_ms, "until": each.until_ms}
        for reason, each in suppressions.items()
    }


def suppressions_from_json(address: str, project: str, data: Mapping[str, Any]) -> dict[Reason, Suppression]:
    """Restore the suppressions of an address and a project ("": of all) that `suppressions_to_json` made JSON of."""
    found = [
        Suppression(address, _reason(reason), each["evidence"], each["since"], each["until"], project)
        for reason, each in data.items()
    ]
    return {each.reason: each for each in found}


def word(words: type[Word], text: str | None, otherwise: Otherwise) -> Word | Otherwise:
    """The word that `text` is, or `otherwise`: another version of the product may know further ones."""
    return next((one for one in words if one.value == text), otherwise)


def _reason(text: str) -> Reason:
    """A reason that another version knows is as strict as can be: only an operator takes it back."""
    return word(Reason, text, Reason.MANUAL)


def lean(data: Json) -> Json:
    """The data without what says nothing."""
    return {name: value for name, value in data.items() if value is not None and value not in ("", {}, [])}
