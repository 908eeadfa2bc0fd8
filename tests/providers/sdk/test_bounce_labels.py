import pytest

from app.providers.sdk.bounces import Label
from app.providers.sdk.bounces.words import flatten, fold, without_addresses
from tests.providers.sdk import labels


@pytest.mark.parametrize(
    ("severity", "reason", "code", "label"),
    [
        ("temporary", "generic", "", Label.DELAYED),
        ("temporary", "greylisted", "450", Label.DELAYED),
        ("temporary", "espblock", "421", Label.DELAYED),
        ("", "", "450", Label.DELAYED),
        ("temporary", "old", "498", Label.GENERIC),
        ("permanent", "bounce", "550", Label.GENERIC),
        ("permanent", "generic", "450", Label.GENERIC),
        ("permanent", "old", "602", Label.GENERIC),
        ("permanent", "espblock", "550", Label.BLOCKED),
        ("permanent", "suppress-bounce", "605", Label.SUPPRESSED),
        ("permanent", "suppress-complaint", "", Label.SUPPRESSED),
        ("permanent", "suppress-unsubscribe", "", Label.SUPPRESSED),
        ("permanent", "bounce", "605", Label.SUPPRESSED),
        ("permanent", "", "606", Label.SUPPRESSED),
        ("permanent", "", "607", Label.SUPPRESSED),
        ("permanent", "", "625", Label.BLOCKED),
        ("Permanent", " ESPBLOCK ", " 550 ", Label.BLOCKED),
    ],
)
def test_mailgun(severity: str, reason: str, code: str, label: Label) -> None:
    assert labels.mailgun(severity, reason, code) is label


@pytest.mark.parametrize(
    ("kind", "classification", "label"),
    [
        ("bounce", "", Label.GENERIC),
        ("bounce", "Content", Label.BLOCKED),
        ("bounce", "Reputation", Label.BLOCKED),
        ("bounce", "Frequency or Volume Too High", Label.BLOCKED),
        ("bounce", "Technical Failure", Label.GENERIC),
        ("bounce", "Mailbox Unavailable", Label.MAILBOX_CONDITION),
        ("bounce", "Invalid Address", Label.UNKNOWN_RECIPIENT),
        ("blocked", "Invalid Address", Label.BLOCKED),
        ("Blocked", "", Label.BLOCKED),
        ("expired", "", Label.GENERIC),
        ("something new", "something new", Label.GENERIC),
    ],
)
def test_sendgrid(kind: str, classification: str, label: Label) -> None:
    assert labels.sendgrid(kind, classification) is label


@pytest.mark.parametrize(
    ("kind", "subtype", "label"),
    [
        ("Permanent", "General", Label.GENERIC),
        ("PERMANENT", "NOEMAIL", Label.GENERIC),
        ("Transient", "SomethingNew", Label.GENERIC),
        ("Permanent", "OnTenantSuppressionList", Label.SUPPRESSED),
        ("Permanent", "EmailValidationSuppressed", Label.SUPPRESSED),
        ("Permanent", "UnsubscribedRecipient", Label.SUPPRESSED),
        ("Transient", "ContentRejected", Label.BLOCKED),
        ("Transient", "MailboxFull", Label.MAILBOX_CONDITION),
    ],
)
def test_ses_and_resend_share_their_subtypes(kind: str, subtype: str, label: Label) -> None:
    assert labels.ses(kind, subtype) is label
    assert labels.resend(kind, subtype) is label


def test_ses_and_resend_differ_where_a_subtype_says_nothing() -> None:
    assert labels.ses("Transient", "General") is Label.SAYS_NOTHING
    assert labels.resend("Transient", "General") is Label.SAYS_NOTHING_WITHOUT_REPLY


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("550 5.1.1 <ann@example.net>: User unknown", " @ user unknown "),
        ("550-5.1.1 The account\n550 5.1.1 does not exist.", " the account does not exist . "),
        ("host mx.example.net[192.0.2.1] said: 550 no", " host % said no "),
        ("see https://example.net/spam?a=b and www.example.net/x", " see and "),
        ("rejected.Please wait", " rejected . please wait "),
        ("'ann' is unknown; \"bob\" too", " @ is unknown . @ too "),
        ("The user doesn’t exist…", " the user doesn't exist . "),
        ("mx-spam-7 says: user_unknown", " says user unknown "),
        ("Empfänger <br> unbekannt", " empfanger . unbekannt "),
        ("", "  "),
    ],
)
def test_words_are_what_is_left_without_names_and_codes(text: str, words: str) -> None:
    assert flatten(text) == words


def test_letters_are_folded() -> None:
    assert fold("Użytkownik nie ISTNIEJE, Øst, kullanıcı, Straße, 사용자, ボックス") == (
        "uzytkownik nie istnieje, ost, kullanici, strasse, 사용자, ホックス"
    )


def test_tokens_are_looked_for_without_addresses_but_with_links() -> None:
    assert without_addresses('"a b"@x.net ib607@x.net https://a.example/?p=NoSuchUser') == (
        " @ @ https://a.example/?p=NoSuchUser"
    )


def test_tokens_are_looked_for_across_soft_line_breaks_and_in_what_a_host_may_say() -> None:
    assert without_addresses("https://a.example/?p=NoSuch=\r\nUser b@x.n=\net") == "https://a.example/?p=NoSuchUser @"
    assert without_addresses("a" * 16_001) == "a" * 16_000
