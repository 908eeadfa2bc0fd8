"""Writes an email's story for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.admin.output import plain, table

Record = Mapping[str, Any]


def write(story: Record) -> str:
    """The whole story, as `GET /v1/emails/{id}` has it: the email, then its recipients, attempts and events."""
    head = [
        f"{story['id']}  {story['status']}",
        *(f"{name:9} {plain(text)}" for name, text in _head(story).items()),
    ]
    return "\n".join(
        [
            *head,
            "",
            "Recipients",
            table(["ADDRESS", "ROLE", "STATUS", "PROVIDER", "WHY", "NEXT ATTEMPT", "WAITS FOR"], _recipients(story)),
            "",
            "Attempts",
            table(["NUMBER", "AT", "PROVIDER", "OUTCOME", "CAUSE", "MS", "REPLY"], _attempts(story)),
            "",
            "Events",
            table(["AT", "PROVIDER", "RECIPIENT", "KIND", "CAUSE", "DETAIL"], _events(story)),
        ]
    )


def owner(email: Record) -> str:
    """The project of an email or of its story, and whether it is test mail."""
    return f"{email['project']} (test)" if email.get("test") else str(email["project"])


def _head(story: Record) -> dict[str, str]:
    return {
        "from": story["from"],
        "subject": story["subject"],
        "project": owner(story),
        "lane": story["lane"],
        "accepted": story["created_at"],
        "expires": story["expires_at"],
        "tags": _joined(story["tags"]),
        "metadata": _joined(story["metadata"] and [f"{name}={value}" for name, value in story["metadata"].items()]),
    }


def _joined(parts: Sequence[str] | None) -> str:
    return ", ".join(parts) if parts is not None else "lost: the content is missing or damaged"


def _recipients(story: Record) -> list[tuple[object, ...]]:
    return [
        (
            *(one["address"], one["role"], one["status"], one["provider"], _why(one)),
            *(one.get("next_attempt_at"), one.get("waiting_because")),
        )
        for one in story["recipients"]
    ]


def _why(recipient: Record) -> str:
    return ": ".join(filter(None, [recipient["cause"], recipient["detail"]]))


def _attempts(story: Record) -> list[tuple[object, ...]]:
    earlier = [
        (f"{one['count']} earlier", one["last_at"], one["provider"], one["outcome"], "", "", "")
        for one in story["earlier_attempts"]
    ]
    return earlier + [
        (
            one["number"],
            one["started_at"],
            one["provider"],
            one["outcome"] or "under way",
            one["cause"],
            one["duration_ms"],
            " ".join(filter(None, [str(one["status_code"] or ""), one["reply"]])),
        )
        for one in story["attempts"]
    ]


def _events(story: Record) -> list[tuple[object, ...]]:
    return [
        (one["at"], one["provider"], one["recipient"], one["kind"], one["cause"], one["detail"])
        for one in story["events"]
    ]
