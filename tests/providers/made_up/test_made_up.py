"""Made Up's own facts, each row of its tables, and both sides of its protocol against each other."""

import base64
import json
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.domain.email import Mailbox, Message
from app.domain.event import ProviderEvent, Webhook
from app.domain.kinds import Cause, Kind
from app.domain.suppression import Reason
from app.local.simulator.dialect import Call, Refused
from app.local.simulator.faults import Ending
from app.local.simulator.inbox import Entry
from app.providers.sdk.own_list import NoEntries
from tests.providers.case import ANNE, NOW_S, SAMPLE
from tests.providers.made_up.case import make, report
from tests.providers.made_up.provider.own_list import MadeUpList
from tests.providers.made_up.provider.provider import MadeUp
from tests.providers.made_up.simulator.dialect import DIALECT

MADE_UP = make("https://api.made-up.example")
UNKNOWN, LISTED = Mailbox("Unknown@example.com"), Mailbox("suppressed@example.com")


def answer(status: int, body: object) -> httpx.Response:
    return httpx.Response(status, json=body)


def event(**changes: object) -> ProviderEvent:
    (told,) = report("em_1", 1, "bo@example.com", NOW_S)
    (parsed,) = MADE_UP.parse(Webhook(json.dumps([told | changes]).encode(), {}))
    return parsed


def test_the_call() -> None:
    request = MADE_UP.build(SAMPLE)
    assert (request.method, str(request.url)) == ("POST", "https://api.made-up.example/messages")
    assert request.headers["authorization"] == "Bearer mu_secret"
    call = json.loads(request.content)
    assert call["from"] == {"address": "no-reply@example.com", "name": "The App"}
    assert call["bcc"] == [{"address": "cat@example.com", "name": 'C"at'}]
    assert call["data"] == {"em_email_id": SAMPLE.email_id, "em_attempt": "3", "order": "42"}
    assert call["files"][1] == {
        "name": "logo.png",
        "type": "image/png",
        "data": base64.b64encode(b"\x89PNG").decode(),
        "content_id": "logo",
    }


@pytest.mark.parametrize(
    ("status", "words", "kind", "cause"),
    [
        (403, "this sender is not verified", Kind.REFUSED, Cause.ACCOUNT),
        (403, "the account is suspended", Kind.UNAVAILABLE, Cause.ACCOUNT),
        (409, "Quota used up", Kind.THROTTLED, Cause.THROTTLE),
        (409, "something else", Kind.REFUSED, Cause.UNKNOWN),
    ],
)
def test_its_own_answers(status: int, words: str, kind: Kind, cause: Cause) -> None:
    outcome = MADE_UP.read(answer(status, {"error": words}))
    assert (outcome.kind, outcome.cause) == (kind, cause)


@pytest.mark.parametrize(("status", "kind"), [(202, Kind.ACCEPTED), (422, Kind.REFUSED)])
def test_each_refused_recipient_has_an_outcome(status: int, kind: Kind) -> None:
    reasons = {UNKNOWN.address: "unknown mailbox", LISTED.address: "suppressed", "a@example.com": "no", "b@x.org": 7}
    outcome = MADE_UP.read(answer(status, {"id": "m-1" if status == 202 else None, "refused": reasons}))
    assert outcome.kind is kind
    assert {key: (one.signal_kind, one.cause) for key, one in outcome.differing.items()} == {
        "unknown@example.com": (Kind.UNDELIVERABLE, Cause.RECIPIENT),
        "suppressed@example.com": (Kind.SUPPRESSED, Cause.RECIPIENT),
        "a@example.com": (Kind.REFUSED, Cause.UNKNOWN),
        "b@x.org": (Kind.REFUSED, Cause.UNKNOWN),
    }


@pytest.mark.parametrize(
    ("told", "kind", "cause"),
    [
        ("queued", Kind.ACCEPTED, None),
        ("delivered", Kind.DELIVERED, None),
        ("returned", Kind.SOFT_BOUNCE, Cause.UNKNOWN),
        ("unknown_mailbox", Kind.HARD_BOUNCE, Cause.RECIPIENT),
        ("filtered", Kind.BLOCKED, Cause.POLICY),
        ("complaint", Kind.COMPLAINED, Cause.RECIPIENT),
        ("opened", Kind.OPENED, None),
        ("something new", Kind.UNKNOWN, None),
    ],
)
def test_its_own_events(told: str, kind: Kind, cause: Cause | None) -> None:
    parsed = event(type=told, reason="550 5.0.0 no")
    assert (parsed.kind, parsed.cause, parsed.detail) == (kind, cause, "550 5.0.0 no")


@pytest.mark.parametrize("changes", [{"to": ""}, {"at": None}, {"at": "now"}])
def test_an_event_without_recipient_or_time_is_left_out(
    changes: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    (told,) = report("em_1", 1, "bo@example.com", NOW_S)
    with caplog.at_level(logging.WARNING):
        assert MADE_UP.parse(Webhook(json.dumps([told | changes]).encode(), {})) == []
    assert "event left out" in caplog.text


def simulated(message: Message) -> tuple[Call, MadeUp, Any]:
    """The call that sends `message` to the simulated account, and both sides of it."""
    dialect = DIALECT("made_up")
    provider = MadeUp("made_up", dialect.credentials["API_KEY"], ("key",), "http://127.0.0.1:1")
    request = provider.build(message)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method, request.url.path, "", headers, request.content), provider, dialect


def test_both_sides_agree_on_who_is_refused_and_on_what_becomes_of_the_others() -> None:
    call, provider, dialect = simulated(replace(SAMPLE, cc=(UNKNOWN,), bcc=(LISTED,)))
    assert dialect.sends(call)
    entry = Entry("made_up", dialect.message_id(), dialect.read(call), datetime.now(UTC))
    assert [one.address for one in entry.mail.recipients] == [ANNE.address]
    reply = dialect.accept(call, entry.id)
    outcome = provider.read(httpx.Response(reply.status, content=reply.body))
    assert (outcome.kind, outcome.message_id) == (Kind.ACCEPTED, entry.id)
    assert set(outcome.differing) == {UNKNOWN.key, LISTED.key}
    (body,) = dialect.bodies(dialect.final(entry, Ending.HARD_BOUNCE, entry.mail.recipients))
    post = dialect.sign(body, b"key\n")
    webhook = Webhook(post.body, {name.lower(): value for name, value in post.headers.items()})
    provider.verify(webhook, time.time())
    (parsed,) = provider.parse(webhook)
    assert (parsed.kind, parsed.recipient, parsed.email_id, parsed.attempt, parsed.message_id) == (
        Kind.HARD_BOUNCE,
        ANNE.address,
        SAMPLE.email_id,
        SAMPLE.attempt,
        entry.id,
    )


def test_a_call_of_which_everybody_is_refused_is_not_accepted() -> None:
    call, provider, dialect = simulated(replace(SAMPLE, to=(UNKNOWN,), cc=(), bcc=()))
    with pytest.raises(Refused) as refused:
        dialect.read(call)
    outcome = provider.read(httpx.Response(refused.value.reply.status, content=refused.value.reply.body))
    assert (outcome.kind, outcome.of(UNKNOWN.key).kind) == (Kind.REFUSED, Kind.UNDELIVERABLE)


def test_both_sides_agree_on_what_is_on_its_own_list() -> None:
    dialect, own = DIALECT("made_up"), MadeUpList(make("https://api.made-up.example"))
    headers = {"authorization": f"Bearer {dialect.credentials['API_KEY']}"}

    def ask(request: httpx.Request) -> httpx.Response:
        path, _, query = request.url.raw_path.decode().partition("?")
        reply = dialect.answer_other(Call(request.method, path, query, headers, b""))
        return httpx.Response(reply.status, content=reply.body)

    words = {"bounces": "550 5.1.1 unknown user", "complaints": "", "opt_outs": ""}
    at = "2026-01-02T03:04:05Z"
    addresses = [f"{number}@example.com" for number in range(101)]
    for part, said in words.items():
        dialect.own_lists.fill({part: [{"address": one, "at": at, "words": said} for one in addresses]})
    reasons = {"bounces": Reason.HARD_BOUNCE, "complaints": Reason.COMPLAINED, "opt_outs": Reason.UNSUBSCRIBED}
    for part in own.parts:
        first = own.read_page(part, "", ask(own.page(part, "")))
        second = own.read_page(part, first.next, ask(own.page(part, first.next)))
        assert (len(first.entries), len(second.entries), second.next) == (100, 1, "")
        (found,) = own.found(part, ask(own.look_up(part, "7@example.com")))
        assert found in first.entries + second.entries
        assert (found.address, found.reason, found.at_ms) == ("7@example.com", reasons[part], 1_767_323_045_000)
        assert own.is_cleared(ask(own.clear(part, "7@example.com")))
        assert own.found(part, ask(own.look_up(part, "7@example.com"))) == ()
        assert own.is_cleared(ask(own.clear(part, "7@example.com")))
    with pytest.raises(NoEntries):
        own.found("bounces", httpx.Response(404, text="no such path"))
    with pytest.raises(NoEntries):
        own.found("bounces", httpx.Response(200, json=[]))
