"""The order of the evidence, one case for each thing that was once read wrongly, and hostile input."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.providers.sdk.bounces import RULES, Label, Proven, Report, read
from tests.providers.sdk import labels
from tests.providers.sdk.host_texts import HOST_TEXTS

DEAD, CONDITION, BLOCKED, SOFT = (
    Proven.HARD_BOUNCE,
    Proven.MAILBOX_CONDITION,
    Proven.BLOCKED,
    Proven.SOFT_BOUNCE,
)


# ---- 1: a report that is no failure is none ----
@pytest.mark.parametrize("subtype", ["General", "Undetermined", "", "general"])
@pytest.mark.parametrize("kind", ["Transient", "Undetermined", "TRANSIENT", ""])
def test_ses_without_an_action_says_nothing_unless_the_type_is_permanent(kind: str, subtype: str) -> None:
    report = Report(text="smtp; 550 5.1.1 user unknown", label=labels.ses(kind, subtype))
    assert read(report).proven is Proven.NOT_A_FAILURE


@pytest.mark.parametrize(
    ("subtype", "proves"),
    [
        ("MailboxFull", CONDITION),
        ("MessageTooLarge", CONDITION),
        ("ContentRejected", BLOCKED),
        ("AttachmentRejected", BLOCKED),
        ("Suppressed", Proven.SUPPRESSED),
        ("OnAccountSuppressionList", Proven.SUPPRESSED),
        ("CustomTimeoutExceeded", SOFT),
    ],
)
@pytest.mark.parametrize("name", ["ses", "resend"])
def test_a_subtype_that_says_something_counts_without_a_dsn(name: str, subtype: str, proves: Proven) -> None:
    assert read(Report(label=getattr(labels, name)("Transient", subtype))).proven is proves


@pytest.mark.parametrize(
    ("text", "proves"),
    [
        ("smtp; 550 5.1.1 user unknown", DEAD),
        ("smtp; 452 4.2.2 mailbox full", CONDITION),
        ("smtp; 451 4.7.1 try again later", BLOCKED),
        ("smtp; 451 4.3.0 try again later", SOFT),
        ("I am on holiday until Monday", Proven.NOT_A_FAILURE),
        ("", Proven.NOT_A_FAILURE),
    ],
)
def test_resend_gives_no_action_so_a_reply_counts_as_failed(text: str, proves: Proven) -> None:
    assert read(Report(text=text, label=labels.resend("Transient", "General"))).proven is proves


def test_beside_a_failed_action_a_label_that_says_nothing_excuses_nothing() -> None:
    for label in (Label.SAYS_NOTHING, Label.SAYS_NOTHING_WITHOUT_REPLY):
        assert read(Report(text="user unknown", label=label)).proven is Proven.NOT_A_FAILURE
        assert read(Report(action="failed", text="user unknown", label=label)).proven is DEAD


def test_a_temporary_reply_is_a_delay_until_somebody_gives_up() -> None:
    assert read(Report(text="450 4.2.0 try again")).proven is Proven.DELAYED
    assert read(Report(action="failed", text="450 4.2.0 try again")).proven is SOFT
    assert read(Report(text="450 4.2.0 try again", label=Label.GENERIC)).proven is SOFT
    assert read(Report(text="250 2.1.5 Ok")).proven is Proven.NOT_A_FAILURE
    assert read(Report()).proven is Proven.UNKNOWN


# ---- 2: contradictory evidence is doubt ----
@pytest.mark.parametrize(
    ("status", "text", "proves"),
    [
        ("", "550 5.1.1 <ann@example.net> - 192.0.2.1 has sent to too many recipients this hour", BLOCKED),
        ("5.1.1", "550 5.7.1 IP address blacklisted", BLOCKED),
        ("5.1.1", "552 5.2.2 Over quota", CONDITION),
        ("5.1.1", "mailbox is full", CONDITION),
        ("5.1.1", "550 5.1.1 <us@example.com>: Sender address rejected: User unknown", BLOCKED),
        ("", "550 5.1.1 MAIL FROM: unknown user", BLOCKED),
        ("5.1.1", "550 5.7.1 no", SOFT),
        ("5.1.1", "450 4.2.0 no", SOFT),
        ("", "450 5.1.1 user unknown", SOFT),
        ("5.2.2", "550 user unknown", SOFT),
        ("", "550 user unknown, try again later", SOFT),
        ("5.1.8", "550 no such user", BLOCKED),
    ],
)
def test_contradictory_evidence_kills_nobody(status: str, text: str, proves: Proven) -> None:
    assert read(Report(action="failed", status=status, text=text)).proven is proves


@pytest.mark.parametrize(
    "words",
    [
        "rate limit exceeded",
        "poor reputation",
        "blocked",
        "SPF failed",
        "DKIM failed",
        "DMARC policy",
        "no PTR record",
        "spam",
        "policy violation",
        "relaying denied",
        "sender rejected",
        "listed in zen.spamhaus.org",
        "access denied",
    ],
)
def test_words_about_us_beat_a_dead_code_and_words_about_the_recipient(words: str) -> None:
    assert read(Report(action="failed", status="5.1.1", text=f"550 5.1.1 {words}")).proven is BLOCKED
    assert read(Report(action="failed", status="5.1.1", text=f"550 5.1.1 user unknown: {words}")).proven is BLOCKED


def test_a_block_by_sendgrid_is_no_dead_mailbox_beside_unknown() -> None:
    text = "550 5.1.1 user unknown"
    for classification in ("", "Invalid Address", "Unclassified"):
        report = Report(status="5.1.1", text=text, label=labels.sendgrid("blocked", classification))
        assert read(report).proven is BLOCKED
    assert read(Report(status="5.1.1", text=text, label=labels.sendgrid("bounce", ""))).proven is DEAD


# ---- 3: labels that say nothing else ----
@pytest.mark.parametrize(
    "label",
    [
        labels.ses("Permanent", "General"),
        labels.ses("Permanent", "NoEmail"),
        labels.ses("Permanent", "Undetermined"),
        labels.resend("Permanent", "General"),
        labels.sendgrid("bounce", ""),
        labels.sendgrid("expired", "Unclassified"),
        labels.mailgun("permanent", "bounce", ""),
    ],
)
def test_a_generic_label_alone_is_a_soft_bounce(label: Label) -> None:
    assert read(Report(label=label)).proven is SOFT


def test_two_labels_of_sendgrid_weigh_as_words() -> None:
    unknown, unavailable = (
        labels.sendgrid("bounce", "Invalid Address"),
        labels.sendgrid("bounce", "Mailbox Unavailable"),
    )
    assert read(Report(label=unknown)).proven is DEAD
    assert read(Report(text="550 no", label=unknown)).proven is DEAD
    assert read(Report(text="550 5.7.1 no", label=unknown)).proven is SOFT
    assert read(Report(text="450 no", label=unknown)).proven is SOFT
    assert read(Report(text="550 blocked", label=unknown)).proven is BLOCKED
    assert read(Report(text="550 mailbox full", label=unknown)).proven is CONDITION
    assert read(Report(status="5.1.1", label=unavailable)).proven is CONDITION
    assert read(Report(text="550 5.5.0 mailbox unavailable (S2017062302)", label=unavailable)).proven is DEAD


def test_disabled_is_a_condition_and_unknown_beside_the_same_code_is_not() -> None:
    assert read(Report(action="failed", text="550 5.2.1 The account is disabled")).proven is CONDITION
    assert read(Report(action="failed", status="5.2.1")).proven is CONDITION
    assert read(Report(action="failed", text="550 5.2.1 User Unknown")).proven is DEAD


@pytest.mark.parametrize("words", ["try again", "temporary failure", "SERVFAIL"])
def test_a_host_that_was_not_found_may_be_found_later(words: str) -> None:
    assert read(Report(action="failed", status="5.4.4", text=f"Host not found, {words}")).proven is SOFT
    assert read(Report(action="failed", status="5.4.4", text="Host not found")).proven is DEAD


# ---- 4: a vague or commented status hides no code ----
@pytest.mark.parametrize("status", ["5.0.0", "5.1.0", "5.5.0", "4.0.0", "5.0.0 (permanent failure)", "550", ""])
@pytest.mark.parametrize(
    "text",
    [
        "550 5.1.1",
        "550-5.1.1 one line\n550-5.1.1 and\n550 5.1.1 another",
        "host mx.example.net[192.0.2.1] said: 550 #5.1.1 no",
        "smtp; 5.1.0 - Unknown address error 550-'5.1.1 <ann@example.net>... no'",
        "550 5.0.350 Remote server returned an error -> 550 5.1.1 no",
    ],
)
def test_a_vague_status_does_not_hide_the_code_in_the_text(status: str, text: str) -> None:
    assert read(Report(action="failed", status=status, text=text)).proven is DEAD


def test_a_comment_behind_the_status_is_read() -> None:
    assert read(Report(action="failed", status="5.1.1 (bad destination mailbox address)")).proven is DEAD
    assert read(Report(action="failed", status="5.1.1 (Server rejected MAIL FROM address)")).proven is BLOCKED


@pytest.mark.parametrize("text", ["550 the host 5.1.1.7 said no", "550 15.1.1", "550 25.1.10", "Exim 4.94.2 said no"])
def test_what_only_looks_like_a_code_is_none(text: str) -> None:
    assert read(Report(action="failed", text=text)).proven is SOFT


# ---- 5: SES's label does not forbid what the DSN says ----
@pytest.mark.parametrize("kind", ["Transient", "Undetermined", "Permanent"])
@pytest.mark.parametrize("subtype", ["General", "Undetermined", ""])
def test_a_failed_dsn_outweighs_a_label_that_says_nothing(kind: str, subtype: str) -> None:
    report = Report("failed", "5.1.1", "", "smtp; 550 5.1.1 user unknown", labels.ses(kind, subtype))
    assert read(report).proven is DEAD


# ---- names are not words ----
@pytest.mark.parametrize(
    "text",
    [
        "<spam.policy@example.net>: User unknown (at mx1.antispam.example.net)",
        "550 <blocked-ib607@example.net>: User unknown",
        '550 <"quota exceeded"@example.net>: User unknown',
        "550 host mx.spam-blocked.example[192.0.2.1] said: 550 user unknown",
        "550 user unknown, see https://relay.example/spam/blocked?policy=sender",
        "550 User unknown in relay recipient table",
        "550 Addressee unknown, relay=[192.0.2.1]",
        "550 No such user (Barracuda Spam Firewall)",
        "550 The address does not exist. Please contact your server administrator, or notify the sender.",
        "550 spamuser: user unknown",
    ],
)
def test_names_and_longer_words_speak_of_nobody(text: str) -> None:
    assert read(Report(action="failed", text=text)).proven is DEAD


def test_an_unknown_token_proves_nothing() -> None:
    assert read(Report(action="failed", text="550 5.1.1 no (S9999999999) IB999 AS(123) [ZZ77]")).proven is DEAD
    assert read(Report(action="failed", text="554 no (S9999999999) IB999 AS(123) [ZZ77]")).proven is SOFT


# ---- the table ----
def test_the_table_is_ordered_by_weight_and_total() -> None:
    assert [rule.priority for rule in RULES] == sorted(rule.priority for rule in RULES)
    assert RULES[-1].proves is Proven.UNKNOWN
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.source and rule.says[-1] in ".…" for rule in RULES)


def test_a_reading_names_its_rule_and_source() -> None:
    reading = read(Report(action="failed", text="550 5.1.1 no IB607"))
    assert (reading.rule, reading.source) == ("godaddy-us", "GoDaddy, Fix rejected email (2025)")


# ---- hostile input ----
texts = (
    st.text()
    | st.text(alphabet="450.1257 -@<>\"'()[]:;%=\n userknowmailbxft")
    | st.sampled_from([row.text for row in HOST_TEXTS])
)


@settings(max_examples=200, deadline=None)
@given(action=st.text(), status=texts, code=texts, text=st.lists(texts).map(" ".join), label=st.sampled_from(Label))
def test_it_reads_anything_and_never_raises(action: str, status: str, code: str, text: str, label: Label) -> None:
    reading = read(Report(action, status, code, text, label))
    assert reading.rule in {rule.name for rule in RULES}


PIECES = (
    "a",
    "@",
    "<",
    '"',
    "5.1.1 ",
    "550-",
    "user ",
    "mailbox a a ",
    "not ",
    "http://",
    "<a",
    "unknown or local ",
    "用户",
)


@pytest.mark.parametrize("piece", PIECES)
def test_a_hundred_kilobytes_take_no_time_that_grows_with_their_square(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    began = time.process_time()
    read(Report("failed", text, text, text))
    assert time.process_time() - began < 10, "a fraction of a second on a machine that is not busy"


def test_advice_that_resend_adds_is_not_the_hosts_word() -> None:
    advice = (
        "We recommend removing the recipient's email address from your mailing list. Sending messages to addresses "
        "that produce hard bounces can have a negative impact on your reputation as a sender."
    )
    permanent = labels.resend("Permanent", "General")
    assert read(Report(text=advice, label=permanent)).proven is SOFT
    assert read(Report(text=f"smtp; 550 5.1.1 user unknown {advice}", label=permanent)).proven is DEAD


@pytest.mark.parametrize("action", ["failed", "Failure", "expired", "EXPIRED (after 3 days)"])
def test_each_word_for_a_failure_means_that_somebody_gave_up(action: str) -> None:
    assert read(Report(action=action, status="4.4.7", text="451 4.4.1 try again later")).proven is SOFT


@pytest.mark.parametrize(
    ("text", "proves"),
    [
        ("550 5.1.1 user unknown, see HTTP://WWW.SPAMHAUS.ORG/query/bl", BLOCKED),
        ("550 GMX.DE requested action not taken: mailbox unavailable", DEAD),
        ("550 5.1.1 策略 用户不存在", BLOCKED),
        ("550 5.0.0 邮箱容量不足", CONDITION),
        ("550 5.0.0 账号已过期", CONDITION),
    ],
)
def test_hosts_write_in_any_case_and_alphabet(text: str, proves: Proven) -> None:
    assert read(Report(action="failed", text=text)).proven is proves
