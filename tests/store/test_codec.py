"""Recipients, attempts and whole heads survive the way into the table and back."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.email import Mailbox, OnUncertain, Role
from app.domain.head import Attempt, Evidence, Head, Recipient, Status
from app.domain.kinds import Cause, Kind, OutcomeKind
from app.store.codec import attempt_from_json, attempt_to_json, recipient_from_json, recipient_to_json
from app.store.head_items import HeadItem
from app.store.heads import Heads
from tests.support.aws import Aws
from tests.support.size import examples

KINDS: tuple[OutcomeKind, ...] = (
    Kind.ACCEPTED,
    Kind.UNAVAILABLE,
    Kind.THROTTLED,
    Kind.REFUSED,
    Kind.UNDELIVERABLE,
    Kind.UNCERTAIN,
)
texts = st.text(max_size=20)
words = st.text(min_size=1, max_size=20)  # of these there always is one
times = st.integers(0, 4_000_000_000_000)
numbers = st.integers(1, 60)

recipients = st.builds(
    Recipient,
    address=words,
    role=st.sampled_from(Role),
    name=texts,
    status=st.sampled_from(Status),
    wait_until_ms=st.none() | times,
    attempt=st.integers(0, 60),
    round=st.integers(0, 99),
    tried=st.dictionaries(words, st.booleans(), max_size=3),
    evidence=st.dictionaries(numbers, st.frozensets(st.sampled_from(Evidence)), max_size=3),
    cause=st.none() | st.sampled_from(Cause),
    detail=texts,
)
attempts = st.builds(
    Attempt,
    number=numbers,
    provider=words,
    recipients=st.lists(words, min_size=1, max_size=3).map(tuple),
    started_at_ms=times,
    outcome=st.none() | st.sampled_from(KINDS),
    cause=st.none() | st.sampled_from(Cause),
    status_code=st.none() | st.integers(0, 999),
    reply=texts,
    message_id=texts,
    duration_ms=st.none() | st.integers(0, 100_000),
)
heads = st.builds(
    Head,
    email_id=st.uuids().map(lambda uuid: f"eml_{uuid.hex}"),
    fingerprint=words,
    sender=st.builds(Mailbox, words, texts),
    subject=texts,
    recipients=st.lists(recipients, min_size=1, max_size=3).map(lambda found: {r.key: r for r in found}),
    created_at_ms=times,
    expires_at_ms=times,
    retry_until_ms=times,
    ttl_s=st.integers(4_000_000_000, 5_000_000_000),
    on_uncertain=st.sampled_from(OnUncertain),
    providers=st.lists(words, max_size=3).map(tuple),
    attempts=st.lists(attempts, max_size=2).map(tuple),
    next_attempt=numbers,
    lease_attempt=st.integers(0, 60),
    lease_until_ms=st.none() | times,
)


@settings(deadline=None)
@given(recipients)
def test_a_recipient_comes_back(recipient: Recipient) -> None:
    assert recipient_from_json(json.loads(json.dumps(recipient_to_json(recipient)))) == recipient


@settings(deadline=None)
@given(attempts)
def test_an_attempt_comes_back(attempt: Attempt) -> None:
    assert attempt_from_json(json.loads(json.dumps(attempt_to_json(attempt)))) == attempt


@pytest.mark.usefixtures("store")
@settings(deadline=None, max_examples=examples(60))
@given(heads)
def test_a_head_comes_back_through_the_table(head: Head) -> None:
    HeadItem(head.email_id).delete()  # an example may be tried twice
    created = Heads().create(head, head.created_at_ms)
    assert created is not None
    assert Heads().get(head.email_id) == created


def test_what_is_as_it_always_is_costs_nothing() -> None:
    assert recipient_to_json(Recipient("a@example.net", Role.TO)) == {
        "address": "a@example.net",
        "role": "to",
        "status": "queued",
        "attempt": 0,
        "round": 0,
    }


def test_a_waiting_head_of_one_recipient_is_small(store: Aws) -> None:
    person = Recipient(
        "a@example.net", Role.TO, status=Status.SENT, attempt=1, evidence={1: frozenset({Evidence.ACCEPTED})}
    )
    attempt = Attempt(1, "sendgrid", (person.key,), 1, Kind.ACCEPTED, status_code=202, message_id="m" * 60)
    size = len(json.dumps([recipient_to_json(person), attempt_to_json(attempt)]))
    assert size < 350  # so that a head with its envelope stays around a kilobyte, the unit that writes are billed by
