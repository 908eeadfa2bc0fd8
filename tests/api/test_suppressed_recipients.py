"""The answer to a new email, and `explain`, name the recipients to whom it is not sent."""

from typing import Any
from uuid import uuid4

import pytest

from app.api import times
from app.domain.suppression import DAY_MS, Bounce, Reason, Suppression
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.clock import Clock

GOOD: dict[str, Any] = {"from": "app@example.com", "subject": "Hello", "text": "It works."}


def somebody() -> str:
    return f"somebody-{uuid4().hex[:12]}@example.net"


def send(client: Client, *, key: str = "", **fields: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.post("/v1/emails", json=GOOD | fields, headers=headers)
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


def explain(client: Client, **fields: Any) -> Any:
    answer = client.post("/v1/emails/explain", json=GOOD | fields)
    assert answer.status_code == 200, answer.text
    return answer.json()["suppressed"]


def bounced(parts: Container, address: str, at_ms: int) -> None:
    parts.suppressions.put(Bounce(address, "550 5.1.1", at_ms, at_ms))


def test_whoever_is_not_suppressed_is_not_named(client: Client) -> None:
    address = somebody()
    assert send(client, to=address)["suppressed"] == []
    assert explain(client, to=address) == []


def test_each_suppressed_recipient_is_named_as_given_with_reason_and_end(
    client: Client, parts: Container, clock: Clock
) -> None:
    first, repeated, complained, well = (somebody() for _ in range(4))
    as_given = first.replace("somebody", "Somebody")
    bounced(parts, first, clock.now_ms)
    bounced(parts, repeated, clock.now_ms - 2 * DAY_MS)
    bounced(parts, repeated, clock.now_ms)
    until_ms = clock.now_ms + 9 * DAY_MS
    parts.suppressions.put(Suppression(complained, Reason.COMPLAINED, "spam", clock.now_ms, until_ms))
    fields: dict[str, Any] = {"to": [f"Ann <{as_given}>", well], "cc": [repeated], "bcc": [complained]}
    wanted = [
        {"address": as_given, "reason": "hard_bounce", "until": times.write(clock.now_ms + DAY_MS)},
        {"address": repeated, "reason": "repeated_hard_bounce", "until": times.write(clock.now_ms + 180 * DAY_MS)},
        {"address": complained, "reason": "complained", "until": times.write(until_ms)},
    ]
    assert explain(client, **fields) == wanted
    accepted = send(client, **fields)
    assert accepted["suppressed"] == wanted
    parts.attempt(accepted["id"], 1)
    story = client.get(f"/v1/emails/{accepted['id']}").json()
    left_out = [each["address"] for each in story["recipients"] if each["status"] == "suppressed"]
    assert left_out == [each["address"] for each in accepted["suppressed"]]


def test_one_whose_time_is_over_is_not_named(client: Client, parts: Container, clock: Clock) -> None:
    address = somebody()
    bounced(parts, address, clock.now_ms - DAY_MS)
    assert send(client, to=address)["suppressed"] == explain(client, to=address) == []


def test_mail_that_must_be_tried_leaves_nobody_out(client: Client, parts: Container, clock: Clock) -> None:
    address = somebody()
    bounced(parts, address, clock.now_ms)
    fields: dict[str, Any] = {"to": address, "override_suppression": True}
    assert send(client, **fields)["suppressed"] == explain(client, **fields) == []


@pytest.mark.parametrize("at_first", [True, False])
def test_a_repeated_request_is_answered_as_the_first(
    client: Client, parts: Container, clock: Clock, *, at_first: bool
) -> None:
    address, key = somebody(), uuid4().hex
    if at_first:
        bounced(parts, address, clock.now_ms)
    first = send(client, key=key, to=address)
    assert bool(first["suppressed"]) is at_first
    if at_first:
        parts.suppressions.lift(address, clock.now_ms)
    else:
        bounced(parts, address, clock.now_ms)
    parts.attempt(first["id"], 1)
    assert send(client, key=key, to=address)["suppressed"] == first["suppressed"]
