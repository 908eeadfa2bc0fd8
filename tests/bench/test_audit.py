"""The books of a chaos run find what must not be, and leave alone what may."""

from typing import Any

import pytest

from app.domain.caps import Caps
from bench.audit import Copy, examine, examine_caps, may_be_followed

ADDRESS = "to@example.net"
PROVIDERS = ("sendgrid", "mailgun", "ses")
FIRST, SECOND = (Copy("sendgrid", number, frozenset({ADDRESS})) for number in (1, 2))


def story(
    status: str, *outcomes: str, events: tuple[tuple[int, str], ...] = (), cause: str | None = None
) -> dict[str, Any]:
    """A story with these outcomes, attempt by attempt, of one provider after the other; `~` is a repetition."""
    return {
        "recipients": [{"address": ADDRESS, "status": status, "cause": cause}],
        "attempts": [
            {
                "number": number,
                "outcome": outcome.strip("~"),
                "recipients": [ADDRESS],
                "provider": PROVIDERS[(number - 1) % 3],
                "repeats": number - 1 if "~" in outcome else None,
            }
            for number, outcome in enumerate(outcomes, 1)
        ],
        "events": [{"attempt": attempt, "kind": kind, "recipient": ADDRESS} for attempt, kind in events],
    }


@pytest.mark.parametrize(
    ("told", "copies"),
    [
        (story("delivered", "accepted", events=((1, "delivered"),)), [FIRST]),
        (story("sent", "accepted"), [FIRST]),
        (story("sent", "uncertain", events=((1, "accepted"),)), [FIRST]),
        (story("failed", "refused", "refused", "refused"), []),
        (story("bounced", "accepted", events=((1, "hard_bounce"),)), [FIRST]),
        (story("sent", "uncertain", "accepted"), [FIRST, SECOND]),
        (story("sent", "accepted", "accepted", events=((1, "blocked"),)), [FIRST, SECOND]),
    ],
)
def test_what_the_guarantees_allow_is_no_finding(told: dict[str, Any], copies: list[Copy]) -> None:
    assert examine("eml_1", told, copies, "wait") == []


@pytest.mark.parametrize(
    ("told", "copies", "rule"),
    [
        (None, [], "lost"),
        (story("queued"), [], "stuck"),
        (story("sending", "uncertain"), [], "stuck"),
        (story("sent", "uncertain"), [FIRST], "sent without a recorded acceptance"),
        (story("sent", "accepted"), [], "no provider took it"),
        (story("failed", "accepted"), [FIRST], "failed against a recorded acceptance"),
        (story("failed", "refused", "refused"), [], "gave up"),
        (story("sent", "accepted"), [FIRST, FIRST], "one attempt, two calls"),
        (story("sent", "unavailable", "accepted"), [FIRST, SECOND], "a second copy without a reason"),
        (story("sent", "accepted", "accepted"), [SECOND, FIRST], "a second copy without a reason"),
        (story("bounced", "accepted", "accepted", events=((1, "hard_bounce"),)), [FIRST, SECOND], "a second copy"),
    ],
)
def test_what_they_forbid_is_found(told: dict[str, Any] | None, copies: list[Copy], rule: str) -> None:
    assert any(finding.rule.startswith(rule) for finding in examine("eml_1", told, copies, "wait"))


def end(policy: str, *outcomes: str, cause: str | None = "unknown", events: tuple[tuple[int, str], ...] = ()) -> str:
    """What is wrong with an email that has failed after these outcomes: the first rule, or "" if nothing is."""
    found = examine("eml_1", story("failed", *outcomes, cause=cause, events=events), [], policy)
    return found[0].rule if found else ""


@pytest.mark.parametrize(("policy", "most"), [("wait", 2), ("failover", 4), ("fail", 1)])
def test_calls_of_unknown_outcome_end_an_email_at_their_number_exactly(policy: str, most: int) -> None:
    assert end(policy, *["uncertain"] * most) == ""
    assert end(policy, *["uncertain"] * most, cause="outage") != ""
    if most != 4:  # with which every provider was called
        assert end(policy, *["uncertain"] * most, cause="outage").startswith("gave up")
    assert end(policy, *["uncertain"] * (most + 1)) == "called again too often without an answer"
    assert end(policy, *["uncertain"] * (most + 1), events=((1, "blocked"),)) == ""
    if most == 2:
        assert end(policy, "uncertain", "refused").startswith("gave up")
        assert end(policy, "uncertain", "~uncertain", "uncertain") == ""
        assert end(policy, "uncertain", "~refused").startswith("gave up")


def test_an_email_that_may_have_arrived_says_so() -> None:
    assert end("wait", "uncertain", "refused", "refused") == ""
    said = end("wait", "uncertain", "refused", "refused", cause="message")
    assert said == "failed without a word that it may have arrived"


def test_a_sender_who_never_wants_two_copies_gets_none_for_doubt() -> None:
    assert may_be_followed("uncertain", (), "wait")
    assert not may_be_followed("uncertain", (), "fail")
    assert may_be_followed("uncertain", ("soft_bounce",), "fail")


def a_message(provider: str, at: str, *to: str) -> dict[str, Any]:
    return {
        "provider": provider,
        "received_at": at,
        "metadata": {"em_attempt": "1"},
        "to": list(to),
        "cc": [],
        "bcc": [],
    }


def test_more_recipients_on_a_day_than_the_cap_allows_are_a_finding() -> None:
    messages = [
        a_message("mailgun", "2026-11-28T23:59:00Z", "a@example.net", "b@example.net"),
        a_message("mailgun", "2026-11-29T00:01:00Z", "c@example.net"),
        a_message("ses", "2026-11-28T12:00:00Z", "d@example.net"),
    ]
    assert examine_caps(messages, {"mailgun": Caps(daily=2)}) == []
    (found,) = examine_caps(messages, {"mailgun": Caps(daily=1)})
    assert (found.rule, found.seen) == ("over a cap", "mailgun: 2 on 2026-11-28")


def test_more_recipients_in_ten_seconds_than_eleven_seconds_of_the_cap_are_a_finding() -> None:
    messages = [a_message("ses", f"2026-11-28T12:00:0{n % 10}Z", f"to{n}@example.net") for n in range(22)]
    assert examine_caps(messages, {"ses": Caps(per_second=2)}) == []
    more = [*messages, a_message("ses", "2026-11-28T12:00:05Z", "one@example.net")]
    assert {one.seen for one in examine_caps(more, {"ses": Caps(per_second=2)})} == {"ses: 23 in 10 s"}


def test_an_email_may_fail_without_a_call_to_a_capped_account() -> None:
    told = story("failed", "unavailable", "unavailable")
    assert [found.rule for found in examine("eml_1", told, [], "wait")] == ["gave up before every provider was called"]
    assert examine("eml_1", told, [], "wait", {"sendgrid", "mailgun"}) == []
