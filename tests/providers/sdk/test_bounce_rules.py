"""Each rule decides one report here, which no other rule would read in the same way."""

import pytest

from app.providers.sdk.bounces import RULES, Label, Report, read

DECIDED: dict[str, Report] = {
    "delayed": Report("delayed", "5.1.1"),
    "other-action": Report("relayed", "5.1.1"),
    "goes-on-trying": Report(text="550 5.1.1 user unknown", label=Label.DELAYED),
    "automatic-reply": Report(text="550 5.1.1 user unknown", label=Label.SAYS_NOTHING),
    "no-reply": Report(text="user unknown", label=Label.SAYS_NOTHING_WITHOUT_REPLY),
    "success": Report(text="250 2.1.5 Ok, user unknown"),
    "temporary": Report(text="450 4.1.1 user unknown"),
    "own-list": Report(text="550 5.1.1 user unknown", label=Label.SUPPRESSED),
    "block-label": Report(text="550 5.1.1 user unknown", label=Label.BLOCKED),
    "own-list-words": Report(text="Amazon SES has suppressed sending to this address: an invalid address"),
    "google-unknown": Report(text="552 https://support.google.com/mail/?p=NoSuchUser"),
    "google-mailbox": Report(text="550 5.1.1 https://support.google.com/mail/?p=DisabledUser"),
    "google-us": Report(text="550 5.1.1 https://support.google.com/mail/?p=ReceivingRatePerm"),
    "microsoft-unknown": Report(text="550 5.7.1 Access denied. AS(201806281910)"),
    "microsoft-edge-block": Report(text="550 5.4.1 [ann@example.net]: Recipient address rejected: Access denied"),
    "microsoft-us": Report(text="550 5.1.1 no (S3150)"),
    "exchange-unknown": Report(text="550 RESOLVER.ADR.RecipNotFound; no"),
    "apple-us": Report(text="550 5.1.1 [HM08] no"),
    "yahoo-us": Report(text="550 5.1.1 [TSS09] no"),
    "godaddy-us": Report(text="550 5.1.1 no IB607"),
    "orange-unknown": Report(text="550 5.5.0 LPN007_416"),
    "orange-mailbox": Report(text="550 5.1.1 OFR_417"),
    "orange-us": Report(text="550 5.1.1 OFR006_102"),
    "cable-us": Report(text="550 5.1.1 no AUP#In-1310"),
    "comcast-us": Report(text="550 5.1.1 no BL000001"),
    "netease-us": Report(text="550 5.1.1 MI:SPF"),
    "list-link": Report(text="553 5.1.1 http://www.spamhaus.org/query/bl"),
    "sender": Report(text="550 5.1.1 unknown sender"),
    "sender-code": Report(status="5.1.8", text="550 user unknown"),
    "rate": Report(text="550 5.1.1 too many errors"),
    "reputation": Report(text="550 5.1.1 low reputation"),
    "authentication": Report(text="550 5.1.1 DKIM"),
    "reverse-dns": Report(text="550 5.1.1 no PTR"),
    "content": Report(text="550 5.1.1 spam"),
    "relaying": Report(text="550 5.1.1 relaying"),
    "policy": Report(text="550 5.1.1 local policy"),
    "us-abroad": Report(text="550 5.1.1 Absender ungültig"),
    "full": Report(text="550 5.1.1 over quota"),
    "disabled": Report(text="550 5.1.1 account suspended"),
    "too-large": Report(text="550 5.1.1 message too large"),
    "mailbox-abroad": Report(text="550 5.1.1 Postfach voll"),
    "mailbox-label": Report(text="550 5.1.1 user unknown", label=Label.MAILBOX_CONDITION),
    "not-now": Report(text="550 5.1.1 user unknown, please try later"),
    "filter-says-unknown": Report(text="550 : User unknown"),
    "full-code": Report(text="550 5.2.2 user unknown"),
    "unknown-recipient": Report(text="550 user unknown"),
    "unknown-host": Report(text="550 domain not found"),
    "invalid-domain": Report(text="550 5.4.4 Invalid domain"),
    "unknown-abroad": Report(text="550 Empfänger unbekannt"),
    "unavailable-at-host": Report(text="550 Requested action not taken: mailbox unavailable [mx.outlook.com]"),
    "unavailable-with-address": Report(text="550 <ann@example.net>: Requested action not taken: mailbox unavailable"),
    "unavailable-with-code": Report(text="550 5.5.0 Requested action not taken: mailbox unavailable"),
    "invalid-address-but": Report(text="550 5.7.1 no", label=Label.UNKNOWN_RECIPIENT),
    "invalid-address": Report(text="550 no", label=Label.UNKNOWN_RECIPIENT),
    "codes-disagree": Report(status="5.1.1", text="550 5.7.1 no"),
    "mailbox-code": Report(status="5.2.1"),
    "policy-code": Report(status="5.7.1"),
    "dead-code": Report(status="5.1.1"),
    "other-code": Report(status="5.4.1"),
    "no-mail-domain": Report(code="556"),
    "basic-code": Report(code="550"),
    "given-up": Report(action="failed"),
    "nothing": Report(text="hello"),
}


def test_every_rule_has_its_report() -> None:
    assert list(DECIDED) == [rule.name for rule in RULES]


@pytest.mark.parametrize("name", DECIDED)
def test_a_rule_decides_its_report(name: str) -> None:
    reading = read(DECIDED[name])
    assert reading.rule == name
    (rule,) = [rule for rule in RULES if rule.name == name]
    assert (reading.proven, reading.source) == (rule.proves, rule.source)
