"""Heads survive the way into the table and back, and what is stored of them is short."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.attempts import Attempt, EarlierCalls
from app.domain.email import Mailbox, OnUncertain, Role
from app.domain.head import Evidence, Head, Recipient, Status
from app.domain.kinds import Cause, Kind, OutcomeKind
from app.store.head_items import HeadItem
from app.store.head_size import size_of
from app.store.heads import Heads
from app.store.history_codec import cut, write_history
from tests.support.samples import a_head
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
    status=st.sampled_from(Status),
    wait_until_ms=st.none() | times,
    attempt=st.integers(0, 60),
    round=st.integers(0, 99),
    tried=st.dictionaries(words, st.booleans(), max_size=3),
    evidence=st.dictionaries(numbers, st.frozensets(st.sampled_from(Evidence)), max_size=3),
    cause=st.none() | st.sampled_from(Cause),
    detail=texts,
)
earlier = st.builds(EarlierCalls, st.integers(1, 999), times, times, st.none() | st.sampled_from(KINDS))


@st.composite
def heads(draw: st.DrawFn) -> Head:
    """A head whose attempts name some of its recipients."""
    found = {one.key: one for one in draw(st.lists(recipients, min_size=1, max_size=4))}
    some = st.lists(st.sampled_from(sorted(found)), min_size=1, unique=True).map(tuple)
    attempts = [
        Attempt(
            number=number,
            provider=draw(words),
            recipients=draw(some),
            started_at_ms=draw(times),
            outcome=draw(st.none() | st.sampled_from(KINDS)),
            cause=draw(st.none() | st.sampled_from(Cause)),
            status_code=draw(st.none() | st.integers(0, 999)),
            reply=draw(texts),
            message_id=draw(texts),
            duration_ms=draw(st.none() | st.integers(0, 100_000)),
            repeats=draw(st.integers(0, 3)),
            differing=draw(st.dictionaries(st.sampled_from(sorted(found)), st.sampled_from(KINDS), max_size=2)),
        )
        for number in sorted(draw(st.sets(numbers, max_size=4)))
    ]
    return Head(
        email_id=f"eml_{draw(st.uuids()).hex}",
        fingerprint=draw(words),
        sender=draw(st.builds(Mailbox, words, texts)),
        subject=draw(texts),
        recipients=found,
        created_at_ms=draw(times),
        expires_at_ms=draw(times),
        retry_until_ms=draw(times),
        ttl_s=draw(st.integers(4_000_000_000, 5_000_000_000)),
        on_uncertain=draw(st.sampled_from(OnUncertain)),
        providers=draw(st.lists(words, max_size=3).map(tuple)),
        attempts=tuple(attempts),
        earlier=draw(st.dictionaries(words, earlier, max_size=3)),
        next_attempt=draw(numbers),
        lease_attempt=draw(st.integers(0, 60)),
        lease_until_ms=draw(st.none() | times),
    )


@pytest.mark.usefixtures("store")
@settings(deadline=None, max_examples=examples(60))
@given(heads())
def test_a_head_comes_back_through_the_table(head: Head) -> None:
    HeadItem(head.email_id).delete()  # an example may be tried twice
    created = Heads().create(head, head.created_at_ms)
    assert created is not None
    assert Heads().get(head.email_id) == created


def test_what_is_as_it_always_is_costs_nothing() -> None:
    ann = Recipient("ann@example.net", Role.TO)
    history = write_history(a_head(0, recipients={ann.key: ann}))
    assert history.recipients == {"ann@example.net": {"status": "queued"}}
    assert (history.attempts, history.earlier, history.words, history.texts) == ([], {}, [], [])


def test_a_sent_head_of_one_recipient_is_small() -> None:
    person = Recipient(
        "a@example.net", Role.TO, status=Status.SENT, attempt=1, evidence={1: frozenset({Evidence.ACCEPTED})}
    )
    attempt = Attempt(1, "sendgrid", (person.key,), 1, Kind.ACCEPTED, status_code=202, message_id="m" * 60)
    head = a_head(0, recipients={person.key: person}, attempts=(attempt,))
    assert size_of(write_history(head)) < 250  # with its envelope about a kilobyte, the unit that writes are billed by


def test_words_and_texts_that_several_share_stand_once() -> None:
    people = [Recipient(f"p{n}@example.net", Role.TO, detail="all say this", cause=Cause.OUTAGE) for n in range(50)]
    recipients = {one.key: one for one in people}
    calls = tuple(
        Attempt(n, "ses", tuple(recipients), 0, Kind.UNAVAILABLE, Cause.OUTAGE, 503, "all say this")
        for n in range(1, 31)
    )
    history = write_history(a_head(0, recipients=recipients, attempts=calls))
    assert (history.words, history.texts) == (["ses", "unavailable", "outage"], ["all say this"])
    assert size_of(history) < 50 * 80 + 30 * 25


@pytest.mark.parametrize(
    ("people", "same", "kept_bytes"),
    [(5, 1, 500), (6, 1, 120), (6, 2, 240), (6, 6, 500)],
)
def test_a_text_may_take_more_the_more_share_it(people: int, same: int, kept_bytes: int) -> None:
    text = "x" * 500
    details = [text if n < same else "short" for n in range(people)]
    recipients = {f"p{n}@example.net": Recipient(f"p{n}@example.net", Role.TO, detail=d) for n, d in enumerate(details)}
    (kept, *_) = write_history(a_head(0, recipients=recipients)).texts
    assert len(kept.encode()) == kept_bytes


@pytest.mark.parametrize(
    ("text", "most_bytes", "kept"),
    [
        ("short", 5, "short"),
        ("too long", 7, "too …"),
        ("grüße an alle", 8, "grü…"),
        ("grüße an alle", 6, "gr…"),
        ("\ud800 half", 4, "? h…"[:1] + "…"),
        ("anything", 2, ""),
        ("anything", 0, ""),
    ],
)
def test_a_text_is_cut_by_bytes_and_says_so(text: str, most_bytes: int, kept: str) -> None:
    assert cut(text, most_bytes) == kept
    assert len(cut(text, most_bytes).encode()) <= most_bytes
