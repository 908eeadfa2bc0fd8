"""Stories, the listing, and cancel."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from app.delivery.ports import HeadStore
from app.domain.attempts import Attempt, EarlierCalls
from app.domain.email import Role
from app.domain.event import ProviderEvent
from app.domain.head import Evidence, Recipient, Status
from app.domain.kinds import Cause, Kind
from app.store.events import Events
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.clock import Clock
from tests.support.samples import a_head

AT_MS = 1_900_000_000_123
AT = "2030-03-17T17:46:40.123Z"


def send(client: Client, to: str) -> str:
    body = {"from": "app@example.com", "to": to, "subject": "Hello", "text": "It works."}
    return str(client.post("/v1/emails", json=body).json()["id"])


def test_a_recipient_that_waits_has_the_time_of_the_next_attempt(client: Client, parts: Container) -> None:
    waits = Recipient("ann@example.net", Role.TO, wait_until_ms=AT_MS)
    queued = Recipient("bob@example.net", Role.TO)
    head = a_head(AT_MS, recipients={each.key: each for each in (waits, queued)})
    assert heads(parts).create(head, AT_MS)

    found = client.get(f"/v1/emails/{head.email_id}").json()["recipients"]

    assert [each.get("next_attempt_at") for each in found] == [AT, None]
    assert ["next_attempt_at" in each for each in found] == [True, False]


def heads(parts: Container) -> HeadStore:
    return parts.read.heads


def test_the_story_tells_everything(client: Client, parts: Container) -> None:
    ann = Recipient(
        "Ann@Example.net", Role.TO, Status.DELIVERED, attempt=2, evidence={2: frozenset({Evidence.DELIVERED})}
    )
    bob = Recipient(
        "bob@example.net", Role.BCC, status=Status.BOUNCED, attempt=1, cause=Cause.RECIPIENT, detail="5.1.1"
    )
    cyd = Recipient("cyd@example.net", Role.CC)
    head = a_head(
        AT_MS,
        recipients={recipient.key: recipient for recipient in (ann, bob, cyd)},
        attempts=(
            Attempt(
                number=1,
                provider="sendgrid",
                recipients=(ann.key, bob.key),
                started_at_ms=AT_MS,
                outcome=Kind.UNAVAILABLE,
                cause=Cause.OUTAGE,
                status_code=503,
                reply="Service Unavailable",
                duration_ms=95,
            ),
            Attempt(number=2, provider="mailgun", recipients=(ann.key,), started_at_ms=AT_MS),
        ),
        earlier={"ses": EarlierCalls(7, AT_MS, AT_MS, Kind.THROTTLED)},
        next_attempt=3,
    )
    assert heads(parts).create(head, AT_MS)
    Events().put(
        [
            ProviderEvent("mailgun", Kind.DELIVERED, head.email_id, 2, ann.key, AT_MS + 1, detail="OK"),
            ProviderEvent("ses", Kind.OPENED, head.email_id, 0, "", AT_MS + 2),
        ],
        {head.email_id: head},
        AT_MS,
    )
    answer = client.get(f"/v1/emails/{head.email_id}")
    assert answer.status_code == 200
    nothing = {"attempt": None, "provider": None, "cause": None, "detail": None}
    assert answer.json() == {
        "id": head.email_id,
        "project": "default",
        "lane": "normal",
        "status": "queued",
        "from": "Example App <no-reply@example.com>",
        "to": ["Ann@Example.net"],
        "cc": ["cyd@example.net"],
        "bcc": ["bob@example.net"],
        "subject": "Reset your password",
        "reply_to": None,  # no content was stored
        "headers": None,
        "tags": None,
        "metadata": None,
        "tracking": {"opens": False, "clicks": False},
        "created_at": AT,
        "expires_at": "2030-03-18T17:46:40.123Z",
        "recipients": [
            nothing
            | {"address": "Ann@Example.net", "role": "to", "status": "delivered", "attempt": 2, "provider": "mailgun"},
            {
                "address": "bob@example.net",
                "role": "bcc",
                "status": "bounced",
                "attempt": 1,
                "provider": "sendgrid",
                "cause": "recipient",
                "detail": "5.1.1",
            },
            nothing | {"address": "cyd@example.net", "role": "cc", "status": "queued"},
        ],
        "earlier_attempts": [
            {"provider": "ses", "count": 7, "first_at": AT, "last_at": AT, "outcome": "throttled"},
        ],
        "attempts": [
            {
                "number": 1,
                "provider": "sendgrid",
                "recipients": ["Ann@Example.net", "bob@example.net"],
                "outcome": "unavailable",
                "cause": "outage",
                "status_code": 503,
                "reply": "Service Unavailable",
                "message_id": None,
                "started_at": AT,
                "duration_ms": 95,
                "repeats": None,
            },
            {
                "number": 2,
                "provider": "mailgun",
                "recipients": ["Ann@Example.net"],
                "outcome": None,
                "cause": None,
                "status_code": None,
                "reply": None,
                "message_id": None,
                "started_at": AT,
                "duration_ms": None,
                "repeats": None,
            },
        ],
        "events": [
            {
                "at": "2030-03-17T17:46:40.124Z",
                "sort_at": "2030-03-17T17:46:40.124Z",
                "provider": "mailgun",
                "attempt": 2,
                "recipient": "Ann@Example.net",
                "kind": "delivered",
                "cause": None,
                "detail": "OK",
                "scope": None,
            },
            {
                "at": "2030-03-17T17:46:40.125Z",
                "sort_at": "2030-03-17T17:46:40.125Z",
                "provider": "ses",
                "attempt": None,
                "recipient": None,
                "kind": "opened",
                "cause": None,
                "detail": None,
                "scope": None,
            },
        ],
    }


@pytest.mark.parametrize("email_id", ["eml_none", "x" * 3000, "%00", "a%20b", "..", "eml_%C3%BC"])
@pytest.mark.parametrize(
    "call", [("GET", ""), ("POST", "/cancel"), ("GET", "/content"), ("GET", "/raw"), ("GET", "/attachments/1")]
)
def test_an_unknown_or_malformed_id_is_not_found(client: Client, call: tuple[str, str], email_id: str) -> None:
    answer = client.request(call[0], f"/v1/emails/{email_id}{call[1]}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:emailsminder:problem:not-found"


def test_did_ann_get_it(client: Client, clock: Clock) -> None:
    ann = f"Ann-{uuid4().hex}@Example.com"
    sent = []
    for _ in range(5):
        sent.append(send(client, f"Ann <{ann}>"))
        clock.advance(1)
    send(client, "bob@example.com")
    pages, after = [], ""
    while after is not None:
        answer = client.get("/v1/emails", params={"recipient": ann.lower(), "limit": 2, "after": after}).json()
        pages.append([email["id"] for email in answer["emails"]])
        after = answer["after"]
    assert [email_id for page in pages for email_id in page] == sent[::-1]
    assert [len(page) for page in pages if page] == [2, 2, 1]
    assert answer.keys() == {"emails", "after"}


def test_a_summary_tells_what_became_of_each_recipient(client: Client) -> None:
    ann = f"ann-{uuid4().hex}@example.com"
    send(client, ann)
    [email] = client.get("/v1/emails", params={"recipient": ann}).json()["emails"]
    assert email["recipients"][0]["status"] == "queued"
    assert "attempts" not in email


def test_the_listing_can_be_narrowed_to_a_status(client: Client, clock: Clock) -> None:
    ann = f"ann-{uuid4().hex}@example.com"
    queued = send(client, ann)
    canceled = send(client, ann)
    assert client.post(f"/v1/emails/{canceled}/cancel").status_code == 200

    def found(status: str) -> list[str]:
        answer = client.get("/v1/emails", params={"recipient": ann, "status": status})
        return [email["id"] for email in answer.json()["emails"]]

    assert found("queued") == [queued]
    assert found("canceled") == [canceled]
    assert found("delivered") == []
    assert sorted(found("")) == sorted([queued, canceled])


def test_a_filter_on_recipients_is_about_one_and_the_same(client: Client, parts: Container) -> None:
    """Ann's call went through ses and bounced; Bob's went through ses first, and mailgun delivered it."""
    ann, bob = (f"{name}-{uuid4().hex}@example.com" for name in ("ann", "bob"))
    attempts = (
        Attempt(3, "ses", (ann, bob), AT_MS, Kind.ACCEPTED),
        Attempt(4, "mailgun", (bob,), AT_MS + 1, Kind.ACCEPTED),
    )
    recipients = {
        ann: Recipient(ann, Role.TO, Status.BOUNCED, attempt=3),
        bob: Recipient(bob, Role.CC, Status.DELIVERED, attempt=4),
    }
    earlier = {"sendgrid:eu": EarlierCalls(2, AT_MS, AT_MS, Kind.THROTTLED)}
    email_id = send(client, ann)
    head = parts.read.heads.get(email_id)
    assert head is not None
    assert client.post("/v1/emails", json=ANYTHING | {"to": ann}).status_code == 202  # another one, not yet tried
    put = replace(head, recipients=recipients, attempts=attempts, earlier=earlier, next_attempt=5)
    assert parts.read.heads.update(put, AT_MS)

    def found(**chosen: str) -> bool:
        emails = client.get("/v1/emails", params={"recipient": ann, **chosen}).json()["emails"]
        assert {email["id"] for email in emails} <= {email_id}
        return bool(emails)

    assert found(provider="ses")
    assert found(provider="ses", recipient_status="bounced")
    assert found(provider="sendgrid:eu", recipient_status="bounced")  # for whom is not known any more
    assert not found(provider="mailgun")  # that was for Bob
    assert not found(recipient_status="delivered")
    assert not found(provider="resend")
    listed = client.get("/v1/emails", params={"provider": "mailgun", "recipient_status": "delivered"}).json()["emails"]
    assert email_id in [email["id"] for email in listed]
    wrong = client.get("/v1/emails", params={"provider": "mailgun", "recipient_status": "bounced"}).json()["emails"]
    assert email_id not in [email["id"] for email in wrong]


ANYTHING: dict[str, Any] = {"from": "app@example.com", "subject": "Hello", "text": "It works."}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("status=lost", "status"),
        ("recipient_status=partially_delivered", "recipient_status"),
        ("provider=Send+Grid", "provider"),
        ("recipient=nobody", "recipient"),
        ("recipient=%00@example.com", "recipient"),
        ("after=!", "after"),
        ("after=" + "A" * 200, "after"),
        ("tag=" + "x" * 701, "tag"),
        ("from=yesterday", "from"),
        ("from=2030-01-31T18:00:00", "from"),
        ("to=2030-01-31", "to"),
        ("from=2030-01-31T18:00:00Z&to=2030-01-31T18:00:00Z", "to"),
        ("project=Shop", "project"),
        ("subject=receipt", "subject"),
    ],
)
def test_a_wrong_query_is_named(client: Client, query: str, field: str) -> None:
    answer = client.get(f"/v1/emails?{query}")
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_queued_email_can_be_canceled_twice(client: Client) -> None:
    email_id = send(client, "ann@example.com")
    for _ in range(2):
        answer = client.post(f"/v1/emails/{email_id}/cancel")
        assert answer.status_code == 200
        assert answer.json()["status"] == "canceled"
    assert client.get(f"/v1/emails/{email_id}").json()["status"] == "canceled"


def test_it_is_too_late_to_cancel_what_was_sent(client: Client, parts: Container, clock: Clock) -> None:
    head = heads(parts).get(send(client, "ann@example.com"))
    assert head is not None
    sent: dict[str, Any] = {key: replace(r, status=Status.SENT) for key, r in head.recipients.items()}
    assert heads(parts).update(replace(head, recipients=sent), clock.now_ms)
    answer = client.post(f"/v1/emails/{head.email_id}/cancel")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:emailsminder:problem:conflict"
