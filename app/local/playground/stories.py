"""An email's story as a timeline, and what happens next, from the answer of `GET /v1/emails/{id}`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.domain.kinds import Kind
from app.domain.waiting import Waiting
from app.local.playground import words

LONG_WAIT_S: Final = 2.0  # a wait between two attempts that is longer is shown
FINAL: Final = frozenset({"delivered", "bounced", "complained", "suppressed", "failed", "canceled", "expired"})


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. `number` is that of the copy in the inbox that the attempt made, if it is kept."""

    at: str
    tone: str
    title: str
    detail: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole story as the page shows it. `was_taken` says whether a provider has taken the email for anybody."""

    email_id: str
    status: str
    tone: str
    recipients: tuple[Mapping[str, Any], ...]
    steps: tuple[Step, ...]
    following: tuple[str, ...]
    was_taken: bool


def timeline(story: Mapping[str, Any], titles: Mapping[str, str], copies: Mapping[str, int], now: datetime) -> Timeline:
    """The timeline of a story. `copies` has the number in the inbox of each attempt's copy, by the attempt's number."""
    return Timeline(
        email_id=story["id"],
        status=words.plain(story["status"]),
        tone=words.STATUS_TONES.get(story["status"], "open"),
        recipients=tuple(_recipient(each) for each in story["recipients"]),
        steps=tuple(_steps(story, titles, copies)),
        following=tuple(dict.fromkeys(_following(story, titles, now))),
        was_taken=_was_taken(story),
    )


def _was_taken(story: Mapping[str, Any]) -> bool:
    """Whether a provider said so, by its answer or by a later event."""
    outcomes = [
        outcome
        for attempt in story["attempts"]
        for outcome in (attempt["outcome"], *(attempt.get("outcomes") or {}).values())
    ]
    return Kind.ACCEPTED in outcomes or bool(story["events"])


def _recipient(recipient: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "address": recipient["address"],
        "status": words.plain(recipient["status"]),
        "tone": words.STATUS_TONES.get(recipient["status"], "open"),
        "why": recipient["detail"] or (f"cause: {recipient['cause']}" if recipient["cause"] else ""),
    }


def _steps(story: Mapping[str, Any], titles: Mapping[str, str], copies: Mapping[str, int]) -> Iterator[Step]:
    who = [recipient["address"] for recipient in story["recipients"]]
    whom = who[0] if len(who) == 1 else f"{len(who)} recipients"
    yield Step(story["created_at"], "good", "The API accepted it", whom)
    found: list[tuple[str, int, Step]] = []
    before: Mapping[str, Any] | None = None
    for attempt in story["attempts"]:
        at = attempt["started_at"]
        waited_s = _seconds(before["started_at"], at) - (before["duration_ms"] or 0) / 1000 if before else 0
        if waited_s > LONG_WAIT_S:
            wait = Step(at, "quiet", f"It waited {waited_s:.0f} s", "for the next round, or for evidence")
            found.append((at, 0, wait))
        found.append((at, 1, _attempt(attempt, titles, copies)))
        before = attempt
    found += [(event["sort_at"], 2, _event(event, event["sort_at"], titles)) for event in story["events"]]
    for _, _, step in sorted(found, key=lambda each: each[:2]):
        yield step


def _attempt(attempt: Mapping[str, Any], titles: Mapping[str, str], copies: Mapping[str, int]) -> Step:
    took = f"{attempt['duration_ms']} ms" if attempt["duration_ms"] is not None else ""
    status = str(attempt["status_code"] or "")
    repeats = f"repeats attempt {attempt['repeats']} under its key: no second copy" if attempt["repeats"] else ""
    differing = [f"{who}: {words.OUTCOMES[outcome]}" for who, outcome in (attempt.get("outcomes") or {}).items()]
    provider = titles.get(attempt["provider"], attempt["provider"])
    return Step(
        attempt["started_at"],
        words.tone(attempt["outcome"]),
        f"Attempt {attempt['number']}: {provider} {words.OUTCOMES[attempt['outcome']]}",
        _joined([status, attempt["reply"] or "", took, repeats, *differing]),
        copies.get(str(attempt["repeats"] or attempt["number"])),
    )


def _event(event: Mapping[str, Any], at: str, titles: Mapping[str, str]) -> Step:
    provider = titles.get(event["provider"], event["provider"])
    detail = _joined([event["recipient"] or "", event["detail"] or "", event["scope"] or ""])
    return Step(at, words.tone(event["kind"]), f"{provider} {words.EVENTS.get(event['kind'], event['kind'])}", detail)


def _following(story: Mapping[str, Any], titles: Mapping[str, str], now: datetime) -> Iterator[str]:
    if all(recipient["status"] in FINAL for recipient in story["recipients"]):
        yield "Nothing: every recipient has a final status."
        return
    for recipient in story["recipients"]:
        provider = titles.get(recipient["provider"] or "", recipient["provider"] or "a provider")
        at = recipient.get("next_attempt_at")
        match recipient["status"]:
            case "scheduled":
                yield _start(at, now)
            case "queued" if at:
                waits = words.WAITS[recipient.get("waiting_because") or Waiting.ROUND]
                yield f"{waits} {words.until(at, now)}, at {words.clock(at)}."
            case "queued":
                yield "The next attempt is made at once."
            case "sending" if at:
                yield (
                    f"{provider} may have sent it: the webhooks decide until {words.clock(at)} "
                    f"({words.until(at, now)}); then it goes on without them."
                )
            case "sending":
                yield "A call is under way."
            case "sent":
                yield f"{provider} has it. Its webhook says what becomes of it."
    if any(recipient["status"] in ("scheduled", "queued", "sending") for recipient in story["recipients"]):
        yield f"Nothing is sent after {words.clock(story['expires_at'])}."


def _start(at: str | None, now: datetime) -> str:
    return f"It is sent {words.until(at, now)}, at {words.clock(at)}." if at else "It waits for its time."


def _joined(parts: Sequence[str]) -> str:
    return " · ".join(part for part in parts if part)


def _seconds(since: str, at: str) -> float:
    return (datetime.fromisoformat(at) - datetime.fromisoformat(since)).total_seconds()
