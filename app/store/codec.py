"""Converts the parts of heads and suppressions to plain JSON values and back.

Defaults are left out, because every stored byte is billed.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from app.domain.email import Role
from app.domain.head import Attempt, Evidence, Recipient, Status
from app.domain.kinds import Cause, Kind, OutcomeKind
from app.domain.suppression import Notice, Reason, Suppression

Json = dict[str, Any]
Word = TypeVar("Word", bound=StrEnum)
Otherwise = TypeVar("Otherwise")


def recipient_to_json(recipient: Recipient) -> Json:
    """A recipient as JSON. Its key is left out, because the head keeps recipients by key."""
    return _lean(
        {
            "address": recipient.address,
            "role": recipient.role.value,
            "name": recipient.name,
            "status": recipient.status.value,
            "wait_until": recipient.wait_until_ms,
            "attempt": recipient.attempt,
            "round": recipient.round,
            "round_ends_at": recipient.round_ends_at_ms,
            "tried": dict(recipient.tried),
            "evidence": {str(n): sorted(each.value for each in known) for n, known in recipient.evidence.items()},
            "cause": recipient.cause and recipient.cause.value,
            "detail": recipient.detail,
            "passes_lists": recipient.passes_lists or None,
        }
    )


def recipient_from_json(data: Mapping[str, Any]) -> Recipient:
    """Restore a recipient from the JSON that `recipient_to_json` made."""
    return Recipient(
        address=data["address"],
        role=Role(data["role"]),
        name=data.get("name", ""),
        status=Status(data["status"]),
        wait_until_ms=data.get("wait_until"),
        attempt=data.get("attempt", 0),
        round=data.get("round", 0),
        round_ends_at_ms=data.get("round_ends_at"),
        tried=data.get("tried", {}),
        evidence={int(n): frozenset(map(Evidence, known)) for n, known in data.get("evidence", {}).items()},
        cause=_cause(data),
        detail=data.get("detail", ""),
        passes_lists=data.get("passes_lists", False),
    )


def attempt_to_json(attempt: Attempt) -> Json:
    """An attempt as JSON."""
    return _lean(
        {
            "number": attempt.number,
            "provider": attempt.provider,
            "recipients": list(attempt.recipients),
            "started_at": attempt.started_at_ms,
            "outcome": attempt.outcome and attempt.outcome.value,
            "cause": attempt.cause and attempt.cause.value,
            "status_code": attempt.status_code,
            "reply": attempt.reply,
            "message_id": attempt.message_id,
            "duration": attempt.duration_ms,
            "repeats": attempt.repeats or None,
            "differing": {key: kind.value for key, kind in attempt.differing.items()},
        }
    )


def attempt_from_json(data: Mapping[str, Any]) -> Attempt:
    """Restore an attempt from the JSON that `attempt_to_json` made."""
    return Attempt(
        number=data["number"],
        provider=data["provider"],
        recipients=tuple(data["recipients"]),
        started_at_ms=data["started_at"],
        outcome=_outcome(data),
        cause=_cause(data),
        status_code=data.get("status_code"),
        reply=data.get("reply", ""),
        message_id=data.get("message_id", ""),
        duration_ms=data.get("duration"),
        repeats=data.get("repeats", 0),
        differing={key: _kind(value) for key, value in data.get("differing", {}).items()},
    )


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


def suppressions_from_json(address: str, data: Mapping[str, Any]) -> dict[Reason, Suppression]:
    """Restore the suppressions that `suppressions_to_json` made JSON of."""
    found = [
        Suppression(address, _reason(reason), each["evidence"], each["since"], each["until"])
        for reason, each in data.items()
    ]
    return {each.reason: each for each in found}


def word(words: type[Word], text: str | None, otherwise: Otherwise) -> Word | Otherwise:
    """The word that `text` is, or `otherwise`: another version of the product may know further ones."""
    return next((one for one in words if one.value == text), otherwise)


def _cause(data: Mapping[str, Any]) -> Cause | None:
    return word(Cause, data.get("cause"), None)


def _reason(text: str) -> Reason:
    """A reason that another version knows is as strict as can be: only an operator takes it back."""
    return word(Reason, text, Reason.MANUAL)


def _outcome(data: Mapping[str, Any]) -> OutcomeKind | None:
    return _kind(data["outcome"]) if "outcome" in data else None


def _kind(text: str) -> OutcomeKind:
    kind: Any = Kind(text)
    return kind  # type: ignore[no-any-return] # because only outcome kinds were ever written here


def _lean(data: Json) -> Json:
    return {name: value for name, value in data.items() if value is not None and value not in ("", {}, [])}
