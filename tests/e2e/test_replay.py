"""Native webhooks of every provider, replayed to a running installation: the story after each."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from app.metrics import VIEWS
from tests.support.installation import ROOT, Installation

pytestmark = pytest.mark.full  # an installation of its own

UNKNOWN = "550 5.1.1 The email account that you tried to reach does not exist"
RATE = "550 5.1.1 example.net: our user has received mail from you at too high a rate, you have been rate limited"
# The lines of the log that the metric is read from.
COUNTED = {message for (_, message), views in VIEWS.items() if views[0].name == "ReportsUnattributed"}
RECORDED = {"status": "recorded"}
Event = Callable[["Sent"], Any]


@pytest.fixture
def installation(every_provider: Installation) -> Installation:
    """Every account works, and the inbox is empty."""
    every_provider.calm()
    return every_provider


@dataclass(frozen=True)
class Sent:
    """An email that an account took and says nothing about."""

    installation: Installation
    account: str
    email_id: str
    to: tuple[str, ...]
    message_id: str

    @classmethod
    def through(cls, installation: Installation, account: str, *more: str, people: int = 1) -> "Sent":
        """A new email to so many people, for this account and then for `more`, which come later in PROVIDERS."""
        installation.fault(account, "accept_then_silence")
        to = tuple(f"{account.replace(':', '-')}-{uuid4().hex[:8]}@example.net" for _ in range(people))
        email_id = installation.send(to=list(to), providers=[account, *more])
        story = installation.story_when(email_id, lambda story: story["status"] == "sent")
        return cls(installation, account, email_id, to, story["attempts"][0]["message_id"])

    @property
    def ours(self) -> dict[str, str]:
        """What the provider sends back, unless it has lost it."""
        return {"em_email_id": self.email_id, "em_attempt": "1"}

    def replay(self, webhook: object, account: str = "") -> dict[str, Any]:
        """Replay a webhook, which is JSON or a raw text. Returns what the app answered."""
        body = webhook if isinstance(webhook, str) else json.dumps(webhook)
        url = f"/control/providers/{account or self.account}/webhook"
        answer = self.installation.control.post(url, content=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def story(self) -> dict[str, Any]:
        return self.installation.story(self.email_id)

    def suppressed(self) -> list[str]:
        """The reasons for which the recipients are on the suppression list."""
        queries = [f"/v1/suppressions?address={address}" for address in self.to]
        answers = [self.installation.api.get(query).json()["suppressions"] for query in queries]
        return [entry["reason"] for entries in answers for entry in entries]

    def unattributed(self) -> int:
        """How many reports of this account were counted as nobody's so far."""
        log = self.installation.log.read_text().splitlines()
        lines = [json.loads(line) for line in log if line.startswith("{")]
        counted = [line for line in lines if line["message"] in COUNTED and line["provider"] == self.account]
        return sum(line.get("events", 1) for line in counted)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# What the providers post, as they document it.


def sendgrid(sent: Sent, **fields: object) -> list[dict[str, object]]:
    return [{"email": sent.to[0], "timestamp": int(time.time()), "sg_event_id": uuid4().hex, **fields}]


def sg_message_id(sent: Sent) -> str:
    return f"{sent.message_id}.recvd-7f6d5c4b-1-67BA-6.0"


def mailgun(sent: Sent, event: str, **fields: object) -> dict[str, object]:
    headers = {"to": sent.to[0], "message-id": sent.message_id, "from": "no-reply@example.com", "subject": "Hello"}
    return {
        "signature": {"token": "t" * 50, "timestamp": "1529006854", "signature": "0" * 64},  # as it was in production
        "event-data": {
            "event": event,
            "id": uuid4().hex,
            "timestamp": time.time(),
            "recipient": sent.to[0],
            "message": {"headers": headers},
            "user-variables": sent.ours,
            **fields,
        },
    }


def ses(sent: Sent, name: str, *, by_identity: bool = False, **details: object) -> dict[str, object]:
    tags = {"ses:configuration-set": ["events"], **{key: [value] for key, value in sent.ours.items()}}
    mail = {"timestamp": now(), "messageId": sent.message_id, "source": "no-reply@example.com"}
    return {
        "notificationType" if by_identity else "eventType": name,
        name.lower(): {"timestamp": now(), "feedbackId": uuid4().hex, **details},
        "mail": {**mail, "destination": list(sent.to), **({} if by_identity else {"tags": tags})},
    }


def ses_bounce(sent: Sent, kind: str, sub_type: str, who: dict[str, str], *, by_identity: bool = False) -> Any:
    recipients = [{"emailAddress": sent.to[0], **who}]
    details = {"bounceType": kind, "bounceSubType": sub_type, "bouncedRecipients": recipients}
    return ses(sent, "Bounce", by_identity=by_identity, **details)


def resend(sent: Sent, name: str, tags: object = None, **details: object) -> dict[str, object]:
    data = {"email_id": sent.message_id, "created_at": now(), "to": list(sent.to), "subject": "Hello", **details}
    return {"type": name, "created_at": now(), "data": {**data, **({"tags": tags} if tags else {})}}


DEAD = {"action": "failed", "status": "5.1.1", "diagnosticCode": f"smtp; {UNKNOWN}"}


@pytest.mark.parametrize(
    ("account", "event", "kind", "status", "cause", "suppressed"),
    [
        # Twilio, Event Webhook Reference: a bounce that the host returned later, without custom arguments.
        (
            "sendgrid",
            lambda sent: sendgrid(
                sent, event="bounce", type="bounce", status="5.1.10", reason=UNKNOWN, sg_message_id=sg_message_id(sent)
            ),
            "hard_bounce",
            "bounced",
            "recipient",
            ["hard_bounce"],
        ),
        (
            "sendgrid",
            lambda sent: sendgrid(
                sent,
                event="bounce",
                type="bounce",
                reason="552 5.2.2 Over quota",
                **{"smtp-id": f"<{sent.message_id}@geopod-ismtpd-8>", "sg_message_id": ""},
            ),
            "mailbox_condition",
            "bounced",
            "mailbox",
            [],
        ),
        (
            "sendgrid",
            lambda sent: sendgrid(sent, event="spamreport", sg_message_id=sg_message_id(sent), **sent.ours),
            "complained",
            "complained",
            "recipient",
            ["complained"],
        ),
        (
            "mailgun",
            lambda sent: mailgun(
                sent,
                "failed",
                severity="permanent",
                reason="bounce",
                **{"delivery-status": {"code": "550", "message": UNKNOWN}, "user-variables": {}},
            ),
            "hard_bounce",
            "bounced",
            "recipient",
            ["hard_bounce"],
        ),
        (
            "mailgun",
            lambda sent: mailgun(
                sent, "failed", severity="temporary", **{"delivery-status": {"code": "450", "message": "4.2.0 later"}}
            ),
            "delayed",
            "sent",
            None,
            [],
        ),
        (
            "mailgun:eu",
            lambda sent: mailgun(sent, "unsubscribed", **{"user-variables": []}),
            "unsubscribed",
            "sent",
            None,
            ["unsubscribed"],
        ),
        # SES Developer Guide: notifications of an identity carry no tags.
        (
            "ses",
            lambda sent: ses_bounce(sent, "Undetermined", "Undetermined", DEAD, by_identity=True),
            "hard_bounce",
            "bounced",
            "recipient",
            ["hard_bounce"],
        ),
        ("ses", lambda sent: ses_bounce(sent, "Transient", "General", {}), "unknown", "sent", None, []),
        (
            "ses",
            lambda sent: ses_bounce(sent, "Permanent", "General", DEAD | {"emailAddress": "elsewhere@example.org"}),
            "mailbox_condition",
            "bounced",
            "mailbox",
            [],
        ),
        (
            "resend",
            lambda sent: resend(
                sent,
                "email.bounced",
                [{"name": name, "value": value} for name, value in sent.ours.items()],
                bounce={"type": "Permanent", "subType": "General", "diagnosticCode": [f"smtp; {UNKNOWN}"]},
            ),
            "hard_bounce",
            "bounced",
            "recipient",
            ["hard_bounce"],
        ),
        (
            "resend",
            lambda sent: resend(sent, "email.bounced", bounce={"type": "Permanent", "subType": "Suppressed"}),
            "suppressed",
            "suppressed",
            "recipient",
            ["provider_list"],
        ),
        (
            "resend",
            lambda sent: resend(sent, "email.bounced", bounce={"type": "Transient", "subType": "MailboxFull"}),
            "mailbox_condition",
            "bounced",
            "mailbox",
            [],
        ),
    ],
    ids=[
        "sendgrid: later, without ids",
        "sendgrid: later, smtp-id only",
        "sendgrid: complaint",
        "mailgun: without variables",
        "mailgun: code 450 as text",
        "mailgun:eu: unsubscribed, without variables",
        "ses: undetermined, but dead, without tags",
        "ses: out of office",
        "ses: forwarded",
        "resend: tags as a list",
        "resend: suppressed, without tags",
        "resend: full, without tags",
    ],
)
def test_the_story_after_a_replayed_event(
    installation: Installation,
    account: str,
    event: Event,
    kind: str,
    status: str,
    cause: str | None,
    suppressed: list[str],
) -> None:
    sent = Sent.through(installation, account, *(["resend"] if account != "resend" else []))
    before = sent.unattributed()
    webhook = event(sent)
    for _ in range(2):  # a provider may post it twice
        assert sent.replay(webhook) == {"status": 200, "body": RECORDED}
    story = sent.story()
    (recipient,) = story["recipients"]
    assert (recipient["status"], recipient["cause"]) == (status, cause)
    assert [(one["kind"], one["provider"], one["attempt"]) for one in story["events"]] == [(kind, account, 1)]
    assert [attempt["provider"] for attempt in story["attempts"]] == [account], "nobody else is asked"
    assert sent.suppressed() == suppressed
    assert sent.unattributed() == before


def test_a_block_in_the_guise_of_a_dead_mailbox_goes_to_the_next_provider(installation: Installation) -> None:
    sent = Sent.through(installation, "sendgrid", "mailgun")
    event = sendgrid(sent, event="bounce", type="bounce", status="5.1.1", reason=RATE, **sent.ours)
    assert sent.replay(event)["status"] == 200
    story = installation.ended(sent.email_id)
    assert story["status"] == "delivered"
    assert [attempt["provider"] for attempt in story["attempts"]] == ["sendgrid", "mailgun"]
    assert sent.suppressed() == []


def test_a_delivery_that_is_returned_for_policy_is_bounced(installation: Installation) -> None:
    sent = Sent.through(installation, "mailgun")
    assert sent.replay(mailgun(sent, "delivered"))["status"] == 200
    assert sent.story()["status"] == "delivered"
    returned = {"delivery-status": {"code": 550, "message": "5.7.1 Message blocked"}, "user-variables": {}}
    assert sent.replay(mailgun(sent, "failed", severity="permanent", reason="bounce", **returned))["status"] == 200
    (recipient,) = sent.story()["recipients"]
    assert recipient["status"] == "bounced"
    assert sent.suppressed() == []


def test_a_complaint_that_lists_several_is_nobodys(installation: Installation) -> None:
    sent = Sent.through(installation, "ses", people=2)
    before = sent.unattributed()
    listed = [{"emailAddress": address} for address in sent.to]
    assert sent.replay(ses(sent, "Complaint", complainedRecipients=listed))["status"] == 200
    story = sent.story()
    assert [recipient["status"] for recipient in story["recipients"]] == ["sent", "sent"]
    assert {event["kind"] for event in story["events"]} == {"unknown"}
    assert sent.suppressed() == []
    assert sent.unattributed() == before + 1


@pytest.mark.parametrize("account", ["sendgrid", "mailgun", "ses", "resend"])
def test_what_is_of_nobody_is_answered_200_counted_and_kills_a_dead_address(
    installation: Installation, account: str
) -> None:
    sent = Sent.through(installation, account)
    before, story = sent.unattributed(), sent.story()
    other = Sent(installation, account, "eml_of_another_environment", sent.to, f"other-{sent.message_id}")
    dead: dict[str, Event] = {
        "sendgrid": lambda of: sendgrid(of, event="bounce", type="bounce", status="5.1.1", sg_message_id=""),
        "mailgun": lambda of: mailgun(
            of, "failed", severity="permanent", **{"delivery-status": {"code": 550, "message": UNKNOWN}}
        ),
        "ses": lambda of: ses_bounce(of, "Permanent", "General", DEAD, by_identity=True),
        "resend": lambda of: resend(
            of, "email.bounced", bounce={"type": "Permanent", "subType": "General", "diagnosticCode": UNKNOWN}
        ),
    }
    assert other.replay(dead[account](other)) == {"status": 200, "body": RECORDED}
    assert sent.story() == story
    assert sent.suppressed() == ["hard_bounce"]
    assert sent.unattributed() == before + 1


def test_the_right_ids_at_another_account_change_no_story_and_judge_the_address(installation: Installation) -> None:
    sent = Sent.through(installation, "mailgun")
    story = sent.story()
    event = mailgun(sent, "complained", **{"user-variables": {}})
    assert sent.replay(event, account="mailgun:eu") == {"status": 200, "body": RECORDED}
    assert sent.suppressed() == []
    assert sent.replay(mailgun(sent, "complained"), account="mailgun:eu") == {"status": 200, "body": RECORDED}
    assert sent.story() == story
    assert sent.suppressed() == ["complained"]


def test_a_legacy_webhook_is_told_to_stop(installation: Installation) -> None:
    sent = Sent.through(installation, "mailgun")
    story = sent.story()
    form = {"event": "dropped", "recipient": sent.to[0], "em_email_id": sent.email_id, "token": "t", "signature": "s"}
    answer = sent.replay(urlencode(form))
    assert (answer["status"], answer["body"]["title"]) == (406, "Not acceptable")
    assert sent.story() == story


def test_the_command_line_does_the_same_from_a_file(installation: Installation, tmp_path: Path) -> None:
    sent = Sent.through(installation, "resend")
    file = tmp_path / "webhook.json"
    file.write_text(json.dumps(resend(sent, "email.delivered")))
    command = [sys.executable, "-m", "app.admin", "webhooks", "replay", "resend", str(file)]
    done = subprocess.run(command, cwd=ROOT, env=installation.env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, '200 {"status": "recorded"}\n'), done.stderr
    assert sent.story()["status"] == "delivered"
