"""The key by which the same event is known again."""

from dataclasses import fields, replace

import pytest

from app.domain.email import Mailbox
from app.domain.event import ProviderEvent
from app.domain.kinds import Cause, Kind

NAMED = ProviderEvent(
    provider="sendgrid",
    kind=Kind.SOFT_BOUNCE,
    email_id="eml_1",
    attempt=1,
    recipient="ann@example.net",
    at_ms=1_000,
    event_id="ev-1",
    message_id="m-1",
    cause=Cause.UNKNOWN,
    detail="550",
    scope="news",
)
NAMELESS = replace(NAMED, event_id="")
OTHER: dict[str, object] = {
    "provider": "mailgun",
    "kind": Kind.DELIVERED,
    "email_id": "eml_2",
    "attempt": 2,
    "recipient": "bob@example.net",
    "at_ms": 1_001,
    "event_id": "ev-2",
    "message_id": "m-2",
    "cause": None,
    "detail": "",
    "scope": "offers",
}


def other(event: ProviderEvent, name: str) -> ProviderEvent:
    return replace(event, **{name: OTHER[name]})  # type: ignore[arg-type] # because the fields are those of ProviderEvent


def test_every_field_is_looked_at_here() -> None:
    assert {field.name for field in fields(ProviderEvent)} == set(OTHER)


@pytest.mark.parametrize("name", ["provider", "recipient", "event_id", "scope"])
def test_events_with_a_providers_id_are_told_apart_by_it_and_their_scope(name: str) -> None:
    assert other(NAMED, name).key != NAMED.key


@pytest.mark.parametrize("name", sorted(OTHER.keys() - {"provider", "recipient", "event_id", "scope"}))
def test_whatever_else_a_redelivery_says_it_is_the_same_event(name: str) -> None:
    assert other(NAMED, name).key == NAMED.key


@pytest.mark.parametrize("name", ["provider", "recipient", "kind", "message_id", "at_ms", "scope"])
def test_events_without_one_are_told_apart_by_what_they_say_and_the_providers_time(name: str) -> None:
    assert other(NAMELESS, name).key != NAMELESS.key


@pytest.mark.parametrize("name", ["email_id", "attempt", "cause", "detail"])
def test_and_by_nothing_else(name: str) -> None:
    assert other(NAMELESS, name).key == NAMELESS.key


def test_a_key_is_short_and_made_of_hexadecimal_digits() -> None:
    assert len(NAMED.key) == 32
    assert int(NAMED.key, 16)


@pytest.mark.parametrize("reported", ["A..b@Example.net", '"a..b"@example.net'])
def test_the_recipient_is_the_one_that_the_email_was_for(reported: str) -> None:
    assert replace(NAMED, recipient=reported).recipient == Mailbox('"A..b"@example.net').key
