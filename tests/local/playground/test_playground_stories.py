"""A story as a timeline: every outcome, event and status has its words, and what comes next has its time."""

import copy
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from app.api.v1.examples import STORY
from app.domain.head import EmailStatus, Status
from app.domain.kinds import EventKind, OutcomeKind
from app.domain.waiting import Waiting
from app.local.playground import stories, words
from app.local.playground.stories import Timeline, timeline

NOW = datetime(2030, 1, 31, 18, 0, 5, tzinfo=UTC)
TITLES = {"sendgrid": "SendGrid", "mailgun": "Mailgun"}


def told(copies: dict[str, int] | None = None, **changes: Any) -> Timeline:
    return timeline({**copy.deepcopy(STORY), **changes}, TITLES, copies or {}, NOW)


def recipient(**changes: Any) -> dict[str, Any]:
    return {**STORY["recipients"][0], "status": "queued", "attempt": None, "provider": None, **changes}


def test_what_happened_in_the_order_in_which_it_happened() -> None:
    story = told({"2": 17})

    assert [step.title for step in story.steps] == [
        "The API accepted it",
        "Attempt 1: SendGrid could not take it",
        "Attempt 2: Mailgun took it",
        "Mailgun delivered it",
    ]
    assert [step.tone for step in story.steps] == ["good", "bad", "good", "good"]
    assert [step.number for step in story.steps] == [None, None, 17, None]
    assert "503" in story.steps[1].detail
    assert (story.status, story.tone) == ("delivered", "good")
    assert story.following == ("Nothing: every recipient has a final status.",)


def test_an_event_with_a_coarser_time_stands_after_the_call_that_caused_it() -> None:
    early = STORY["events"][0] | {"at": "2030-01-31T18:00:00.000Z", "sort_at": STORY["attempts"][1]["started_at"]}
    assert told(events=[early]).steps[-1].title == "Mailgun delivered it"


def test_every_wait_has_words() -> None:
    assert set(words.WAITS) == set(Waiting)


def test_a_wait_between_attempts_is_shown() -> None:
    first, second = copy.deepcopy(STORY["attempts"])
    second["started_at"] = "2030-01-31T18:01:00.000Z"
    titles = [step.title for step in told(attempts=[first, second], events=[]).steps]
    assert titles[2].startswith("It waited ")
    assert titles[3].startswith("Attempt 2")


def test_a_repetition_and_outcomes_that_differ_are_said() -> None:
    first, second = copy.deepcopy(STORY["attempts"])
    second |= {"repeats": 1, "outcomes": {"ann@example.com": "accepted", "bob@example.com": "undeliverable"}}
    step = told({"1": 5}, attempts=[first, second], events=[]).steps[-1]
    assert "repeats attempt 1 under its key: no second copy" in step.detail
    assert "bob@example.com: knows no such recipient" in step.detail
    assert step.number == 5


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "The next attempt is made at once."),
        ({"next_attempt_at": "2030-01-31T18:00:17.000Z"}, "The next round begins in 12 s, at "),
        ({"status": "scheduled", "next_attempt_at": "2030-01-31T18:00:17.000Z"}, "It is sent in 12 s, at "),
        *(
            ({"next_attempt_at": "2030-01-31T18:00:17.000Z", "waiting_because": why}, f"{said} in 12 s, at ")
            for why, said in words.WAITS.items()
        ),
        ({"status": "sending"}, "A call is under way."),
        ({"status": "sent", "provider": "mailgun"}, "Mailgun has it. Its webhook says what becomes of it."),
        (
            {"status": "sending", "provider": "sendgrid", "next_attempt_at": "2030-01-31T18:02:05.000Z"},
            "SendGrid may have sent it: the webhooks decide until ",
        ),
    ],
)
def test_what_happens_next(changes: dict[str, Any], sentence: str) -> None:
    following = told(recipients=[recipient(**changes)]).following
    assert following[0].startswith(sentence)
    assert len(following) == (1 if changes.get("status") == "sent" else 2)


def test_the_same_sentence_is_not_said_twice() -> None:
    assert len(told(recipients=[recipient(), recipient(address="bob@example.com")]).following) == 2


@pytest.mark.parametrize("status", Status)
def test_every_status_of_a_recipient_says_what_comes(status: Status) -> None:
    following = told(recipients=[recipient(status=status.value)]).following
    assert following
    assert (following[0].startswith("Nothing")) == (status.value in stories.FINAL)


def test_every_word_of_the_api_has_words_here() -> None:
    assert words.OUTCOMES.keys() - {None} == set(get_args(OutcomeKind))
    assert words.EVENTS.keys() == set(get_args(EventKind))
    assert words.STATUS_TONES.keys() <= {*Status, *EmailStatus}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2030-01-31T18:00:05.000Z", "now"),
        ("2030-01-31T17:00:00Z", "now"),
        ("2030-01-31T18:01:44.000Z", "in 99 s"),
        ("2030-01-31T18:02:05.000+00:00", "in 2 min"),
        ("2030-01-31T21:00:05Z", "in 3 h"),
    ],
)
def test_how_long_it_is(at: str, expected: str) -> None:
    assert words.until(at, NOW) == expected
