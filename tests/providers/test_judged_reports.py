"""Each verdict on a failure report is counted by account and rule, so that a host's new words are seen."""

import json
import logging
from typing import Any

import pytest

from app import metrics
from app.domain.event import Webhook
from app.providers.sdk.bounces import RULES, Report, meaning
from tests.providers.mailgun import case as mailgun
from tests.providers.resend import case as resend
from tests.providers.sendgrid import case as sendgrid
from tests.providers.ses import case as ses

GONE, NEW = "550 5.1.1 user unknown", "550 5.5.9 Nay, quoth the host"
AT_S, AT = 1_760_000_000, "2025-10-09T08:53:20.375Z"
URL = "https://provider.example"


def by_sendgrid(words: str) -> None:
    entry = {"email": "bo@example.com", "timestamp": AT_S, "event": "bounce", "type": "bounce", "reason": words}
    sendgrid.make(URL).parse(Webhook(json.dumps([entry]).encode(), {}))


def by_mailgun(words: str) -> None:
    status = {"code": 550, "message": words}
    entry = {"recipient": "bo@example.com", "timestamp": AT_S, "event": "failed", "severity": "permanent"}
    mailgun.make(URL).parse(mailgun.envelope({**entry, "delivery-status": status}))


def by_ses(words: str) -> None:
    bounced = [{"emailAddress": "bo@example.com", "action": "failed", "diagnosticCode": f"smtp; {words}"}]
    bounce = {"timestamp": AT, "bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": bounced}
    report = {"eventType": "Bounce", "bounce": bounce, "mail": ses.mail("bo@example.com")}
    ses.make(URL).parse(ses.webhook(report, AT_S, 0))


def by_resend(words: str) -> None:
    data = {"to": ["bo@example.com"], "bounce": {"type": "Permanent", "diagnosticCode": [f"smtp; {words}"]}}
    report = {"type": "email.bounced", "created_at": AT, "data": data}
    resend.make(URL).parse(Webhook(json.dumps(report).encode(), {resend.ID: "msg_1"}))


def verdicts(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record) for record in caplog.records if record.name == "app.providers.sdk.bounces"]


@pytest.mark.parametrize(("words", "rule"), [(GONE, "unknown-recipient"), (NEW, "other-code")])
@pytest.mark.parametrize("provider", [by_sendgrid, by_mailgun, by_ses, by_resend])
def test_every_provider_s_reports_are_counted(
    caplog: pytest.LogCaptureFixture, provider: Any, words: str, rule: str
) -> None:
    with caplog.at_level(logging.INFO, "app.providers.sdk.bounces"):
        provider(words)
    (line,) = verdicts(caplog)
    assert (line["provider"], line["rule"]) == (provider.__name__.removeprefix("by_"), rule)
    assert (line["name"], line["msg"]) in metrics.VIEWS
    assert words not in " ".join(str(value) for name, value in line.items() if name not in ("args", "exc_info"))


def test_there_are_no_more_values_than_there_are_rules(caplog: pytest.LogCaptureFixture) -> None:
    """AWS charges for each combination of account and rule, so no part of a report may get into them."""
    with caplog.at_level(logging.INFO, "app.providers.sdk.bounces"):
        for words in ("", GONE, NEW, "450 later", "552 full", "ann@example.net", "x" * 10_000):
            meaning("ses:eu", Report(text=words))
    assert {line["rule"] for line in verdicts(caplog)} <= {rule.name for rule in RULES}
    assert {line["provider"] for line in verdicts(caplog)} == {"ses:eu"}
