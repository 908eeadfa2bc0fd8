"""No head grows without bound: whatever its recipients and the replies are, and however long the outage lasts."""

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.dispatch import DispatchContext
from app.domain.due import due_at_ms
from app.domain.email import Mailbox, OnUncertain, Role
from app.domain.event import ProviderEvent
from app.domain.head import Head, Recipient, Status
from app.domain.kinds import Cause, Kind, OutcomeKind
from app.domain.outcome import Outcome
from app.domain.protocol import DeliveryProtocol
from app.settings import LONGEST_RETRY_S
from app.store.head_items import HeadItem, as_item, read_head
from tests.support.samples import a_head
from tests.support.size import FULL, examples

BOUND = 100_000  # bytes; DynamoDB takes 400 KB
PEOPLE = 50
HOUR_MS = 3_600_000
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789üß日本語🙂"


def text(chance: random.Random, length: int) -> str:
    return "".join(chance.choices(LETTERS, k=length))


def size_of(item: HeadItem) -> int:
    """The size of an item as DynamoDB counts it: names and values in UTF-8, numbers as half of their digits."""

    def of(value: dict[str, Any]) -> int:
        ((kind, content),) = value.items()
        return 1 if kind in ("BOOL", "NULL") else len(str(content).encode())

    return sum(len(name) + of(value) for name, value in item.serialize().items())


def an_email_to_fifty(chance: random.Random, accounts: int) -> Head:
    people = {}
    for number in range(PEOPLE):
        local = text(chance, 12) + "Ä" * chance.randint(0, 18) + str(number)
        recipient = Recipient(f"{local}@{'x' * 60}.{'y' * 60}.example", chance.choice(list(Role)))
        people[recipient.key] = recipient
    return replace(
        a_head(0, recipients=people, ttl_s=4_000_000_000),
        sender=Mailbox("a@example.com", text(chance, 300)),
        subject=text(chance, 998),
        providers=tuple(names(accounts)),
        expires_at_ms=30 * 24 * HOUR_MS,
        retry_until_ms=LONGEST_RETRY_S * 1000,
        on_uncertain=chance.choice(list(OnUncertain)),
    )


def names(accounts: int) -> list[str]:
    return [f"sendgrid:{'account-' * 3}{number}" for number in range(accounts)]


BAD: list[OutcomeKind] = [Kind.UNAVAILABLE, Kind.UNAVAILABLE, Kind.THROTTLED, Kind.REFUSED, Kind.UNCERTAIN]


def an_outcome(chance: random.Random, keys: tuple[str, ...]) -> Outcome:
    """A failure, or now and then a success, with a reply that nobody has had before; for some it ends otherwise."""
    kind: OutcomeKind = Kind.ACCEPTED if chance.random() < 0.03 else chance.choice(BAD[: chance.choice([3, 5])])
    outcome = Outcome(kind, Cause.OUTAGE, 503, text(chance, 500), text(chance, 60))
    some = chance.sample(keys, min(len(keys), 3)) if chance.random() < 0.05 else []
    return replace(outcome, differing={key: replace(outcome, kind=chance.choice(BAD)) for key in some})


def reported(protocol: DeliveryProtocol, head: Head, chance: random.Random, now_ms: int) -> Head:
    """The head after a provider has reported that a copy, which it had accepted for somebody, came back."""
    sent = [(key, one) for key, one in head.recipients.items() if one.status is Status.SENT]
    for key, one in chance.sample(sent, min(len(sent), 3)):
        about = head.made(one.attempt)
        event = ProviderEvent(about.provider, Kind.SOFT_BOUNCE, head.email_id, about.number, key, now_ms)
        head = protocol.record_event(head, replace(event, detail=text(chance, 500)), now_ms)
    return head


def check(head: Head, now_ms: int) -> Head:
    """The head as another process reads it. Fails if its item is too large."""
    item = as_item(head, now_ms)
    assert size_of(item) <= BOUND
    return read_head(item.serialize())


@pytest.mark.no_cover
@pytest.mark.timeout(900)
@settings(max_examples=examples(8), deadline=None)
@given(seed=st.integers(0, 10**9), accounts=st.integers(1, 8))
def test_an_email_to_fifty_stays_small_and_ends(seed: int, accounts: int) -> None:
    chance = random.Random(seed)  # noqa: S311 because this is no secret
    protocol = DeliveryProtocol(names(accounts), 60_000)
    context = DispatchContext.all_available(names(accounts))
    head, now_ms, calls = an_email_to_fifty(chance, accounts), 0, 0
    while (due_ms := due_at_ms(head, now_ms)) is not None and calls < (10_000 if FULL else 600):
        now_ms = max(now_ms, due_ms)
        head = protocol.settle(head, now_ms, context)
        dispatch = protocol.next_dispatch(head, now_ms, context)
        if dispatch is not None:
            calls += 1
            head = protocol.claim(head, dispatch, now_ms + 30_000, now_ms)
            number = head.lease_attempt
            now_ms += chance.randint(0, 40_000)  # now and then longer than the lease
            outcome = an_outcome(chance, dispatch.recipients)
            head = protocol.record_outcome(head, number, outcome, 1000, now_ms)
        if chance.random() < 0.1:
            head = reported(protocol, head, chance, now_ms)
        head = check(head, now_ms)
    if FULL:
        assert {one.status for one in head.recipients.values()} <= {Status.FAILED, Status.SENT, Status.EXPIRED}


@pytest.mark.full
@pytest.mark.no_cover
@pytest.mark.timeout(400)  # a busy machine takes minutes
def test_the_largest_email_of_all_fits_when_everybody_goes_an_own_way() -> None:
    """Each recipient's copy was accepted by every account in turn and came back, each with words of its own."""
    chance, accounts = random.Random(3), 8  # noqa: S311 because this is no secret
    protocol = DeliveryProtocol(names(accounts), 60_000)
    context = DispatchContext.all_available(names(accounts))
    head, now_ms = an_email_to_fifty(chance, accounts), 0
    head = replace(head, on_uncertain=OnUncertain.FAILOVER)
    for _ in range(accounts * PEOPLE):
        now_ms += 1000
        dispatch = protocol.next_dispatch(protocol.settle(head, now_ms, context), now_ms, context)
        if dispatch is None:
            break
        one = dispatch._replace(recipients=dispatch.recipients[:1])
        head = protocol.claim(protocol.settle(head, now_ms, context), one, now_ms + 30_000, now_ms)
        number = head.lease_attempt
        accepted = Outcome(Kind.ACCEPTED, None, 202, text(chance, 500), text(chance, 100))
        head = protocol.record_outcome(head, number, accepted, 1000, now_ms)
        event = ProviderEvent(one.provider, Kind.BLOCKED, head.email_id, number, one.recipients[0], now_ms)
        head = protocol.record_event(head, replace(event, detail=text(chance, 500)), now_ms)
        if number % 40 == 0:
            head = check(head, now_ms)
    assert check(head, now_ms).next_attempt > 7 * PEOPLE
