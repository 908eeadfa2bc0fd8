"""What a whole delivery logs: everything needed to follow it, and nothing of what was written to whom."""

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from app import logs
from app.delivery.ports import Receiver
from app.domain.email import Attachment, Content, Mailbox
from app.domain.event import ProviderEvent
from app.domain.head import Status
from app.domain.kinds import Cause, Kind
from app.errors import Unauthenticated
from app.wiring.process import connect
from tests.support.aws import Aws
from tests.support.environment import SECRETS, environment
from tests.support.harness import forget_health
from tests.support.provider_server import serve
from tests.support.providers import PlainReceiver, webhook
from tests.support.samples import an_email

PRIVATE = (
    "alice", "bob@", "mallory", "no-reply@", "top-subject", "top-text", "top-html", "top-secret-file", "top-header",
    "top-tag", "top-metadata", "top-idempotency", *SECRETS, "AKIAIOSFODNN7EXAMPLE",
)  # fmt: skip


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_a_delivery_with_failover_logs_ids_only(
    store: Aws, level: str, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    logs.configure(level)
    forget_health()
    queue = store.queue()
    email = an_email(
        Mailbox("alice@example.net", "Alice"),
        cc=(Mailbox("bob@example.net", "Bob"),),
        bcc=(Mailbox("mallory@example.net"),),
        content=Content(
            "top-subject",
            text="top-text " * 100_000,
            html="<p>top-html</p>",
            headers=(("X-Header", "top-header"),),
            attachments=(Attachment("top-secret-file.txt", "text/plain", b"top-text"),),
            tags=("top-tag",),
            metadata={"user": "top-metadata"},
        ),
    )
    with serve() as server:
        server.statuses = {"/v3/mail/send": 401, "/v3/mg.example.com/messages": 429}
        container = connect(environment(store, queue, server.url, f"{request.path.stem}-"))
        receivers: dict[str, Receiver] = dict.fromkeys(container.providers, PlainReceiver())
        record = replace(container.record, receivers=receivers)
        email_id = container.accept(email, project="team", key=f"top-idempotency-{level}").head.email_id
        while published := queue.published():
            for message in published:
                container.attempt(*message)
                container.attempt(*message)
        event = ProviderEvent(
            "ses", Kind.BLOCKED, email_id, 3, "bob@example.net", 1_800_000_000_000, cause=Cause.POLICY
        )
        report = [
            event,
            replace(event, recipient="alice@example.net", kind=Kind.DELIVERED),
            replace(event, email_id="eml_nobody"),
            replace(event, attempt=9),
        ]
        record("ses", webhook(report))
        with pytest.raises(Unauthenticated):
            record("ses", replace(webhook(report), headers={}))
        container.sweep(within_s=60)
        story = container.read.story(email_id, None)
        container.close()
    assert [attempt.outcome for attempt in story.head.attempts] == [Kind.UNAVAILABLE, Kind.THROTTLED, Kind.ACCEPTED]
    assert story.head.recipients["alice@example.net"].status is Status.DELIVERED
    out, err = capsys.readouterr()
    assert err == ""
    told = _told(out)
    attempts = [line for line in told if line["message"] == "attempt"]
    assert [(line["email_id"], line["attempt"], line["provider"], line["outcome"]) for line in attempts] == [
        (email_id, 1, "sendgrid", "unavailable"),
        (email_id, 2, "mailgun", "throttled"),
        (email_id, 3, "ses", "accepted"),
    ]
    assert all(isinstance(line["ms"], int) for line in attempts)
    assert {line["kind"] for line in told if line["message"] == "event"} == {"blocked", "delivered"}
    assert {line["message"] for line in told} >= {"not expected, dropped", "webhook for an unknown email"}
    assert [word for word in PRIVATE if word.lower() in out.lower()] == []


def _told(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_the_words_that_must_not_be_seen_would_be_seen(capsys: pytest.CaptureFixture[str]) -> None:
    """The test above can fail: a logger that tells an address is caught by the same look."""
    logs.configure("INFO")
    logging.getLogger("app").info("sent", extra={"to": "alice@example.net"})
    assert [word for word in PRIVATE if word in capsys.readouterr().out] == ["alice"]
