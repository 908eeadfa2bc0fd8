"""How providers write addresses and times in their reports: each in any form that was seen of another."""

import json

import pytest

from app.domain.event import Webhook
from app.providers.sdk import payload
from app.providers.sdk.addresses import address
from tests.providers.case import CASES, NOW_S
from tests.providers.mailgun import case as mailgun
from tests.providers.resend import case as resend
from tests.providers.sendgrid import case as sendgrid

WRITTEN = [
    "Bo@Example.com",
    '"Bo" <bo@example.com>',
    "<bo@example.com>",
    "rfc822; bo@example.com",
    "bo@example.com.",
    "bo@example.com;",
    "bo@example.com (Bo)",
    "Bo <bo@example.com> (of Example)",
    "mailto:bo@example.com",
    "<mailto:bo@example.com>",
    "SMTP:Bo@example.com",
]


@pytest.mark.parametrize("written", WRITTEN)
def test_an_address_in_any_form(written: str) -> None:
    entry = {"email": written, "timestamp": 1_760_000_000, "event": "delivered"}
    (event,) = sendgrid.make("https://x.example").parse(Webhook(json.dumps([entry]).encode(), {}))
    assert event.recipient == "bo@example.com"
    told = {"recipient": written, "timestamp": 1_760_000_000.5, "event": "delivered"}
    (event,) = mailgun.make("https://x.example").parse(mailgun.envelope(told))
    assert event.recipient == "bo@example.com"
    data = {"to": [written]}
    report = {"type": "email.delivered", "created_at": "2025-10-09T08:53:20Z", "data": data}
    (event,) = resend.make("https://x.example").parse(Webhook(json.dumps(report).encode(), {resend.ID: "msg_1"}))
    assert event.recipient == "bo@example.com"


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    "written",
    [
        *("jane@bücher.example", "Jane@BÜCHER.Example", "jane@bu\u0308cher.example", "<jane@bücher.example>"),
        *("jane@xn--bcher-kva.example", "JANE@XN--BCHER-KVA.EXAMPLE"),
    ],
)
def test_an_international_domain_in_any_form(name: str, written: str) -> None:
    case = CASES[name]
    payload = case.report("eml_1", 1, written, NOW_S)
    events = case.make("https://x.example").parse(case.webhook(payload, NOW_S, 0))
    assert isinstance(events, list)
    (event,) = events
    assert event.recipient == "jane@xn--bcher-kva.example"


@pytest.mark.parametrize(
    "written", ["", " ", "<>", '""', None, 7, ["bo@example.com"], "rfc822;", f"{'x' * 309}@example.com"]
)
def test_what_can_be_no_address_is_none(written: object) -> None:
    assert address(written) == ""


@pytest.mark.parametrize("written", ["1760000000.375", 1_760_000_000.375])
def test_a_time_may_be_text(written: object) -> None:
    entry = {"email": "bo@example.com", "timestamp": written, "event": "delivered"}
    (event,) = sendgrid.make("https://x.example").parse(Webhook(json.dumps([entry]).encode(), {}))
    assert event.at_ms == 1_760_000_000_375
    told = {"recipient": "bo@example.com", "timestamp": written, "event": "delivered"}
    (event,) = mailgun.make("https://x.example").parse(mailgun.envelope(told))
    assert event.at_ms == 1_760_000_000_375


@pytest.mark.parametrize("written", ["", "soon", "-1", "1e9", " 1", "nan", "9" * 40, "٣"])
def test_a_text_that_is_no_time_is_none(written: str) -> None:
    assert payload.at_ms(written) is None


def test_an_address_is_read_up_to_the_longest_that_there_can_be() -> None:
    longest = f"{'a' * 64}@{'b' * 251}.com"
    assert len(longest) == 320
    assert address(longest) == longest
    assert address(f"{'a' * 64}@{'b' * 252}.com") == ""


@pytest.mark.parametrize("written", ["Bo <of Example> <bo@example.com>", "Bo <bo@example.com>>"])
def test_the_address_is_in_the_last_angle_brackets(written: str) -> None:
    assert address(written) == "bo@example.com"


@pytest.mark.parametrize("written", ["'bo@example.com'", '"bo@example.com"', "Bo <'bo@example.com'>"])
def test_quotes_around_the_whole_are_taken_away(written: str) -> None:
    assert address(written) == "bo@example.com"
