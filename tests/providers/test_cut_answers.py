"""Answers whose status arrives and whose body does not, or comes in a form that nobody asked for."""

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable

import httpx
import pytest

from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.providers.sdk.bodies import ANSWER_LIMIT
from tests.providers.calls import BRIEF_S, PATIENT_S, transport_of
from tests.providers.case import CASES, SAMPLE
from tests.providers.peer import Line, Script, answer, peer

End = Callable[[Line], None]
ENDS: dict[str, End] = {"stalls": Line.hold, "is reset": Line.reset, "ends": lambda _: None}
JSON = "Content-Type: application/json"


def cut(status: int, end: End, *headers: str, body: str = "") -> Script:
    """An answer that announces more than it brings."""

    def script(line: Line) -> None:
        line.read_request()
        head = "\r\n".join((f"HTTP/1.1 {status} X", *headers, f"Content-Length: {len(body) + 400}", "", ""))
        line.send(head.encode() + body.encode())
        end(line)

    return script


def sent(name: str, script: Script, timeout_s: float = PATIENT_S) -> Outcome:
    with peer(script) as server, transport_of(timeout_s) as transport:
        return transport.send(CASES[name].make(server.url), SAMPLE)


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_an_id_that_came_in_a_header_counts(end: End) -> None:
    outcome = sent("sendgrid", cut(202, end, "X-Message-Id: m-1"), BRIEF_S if end is Line.hold else PATIENT_S)
    assert (outcome.kind, outcome.message_id, outcome.status_code) == (Kind.ACCEPTED, "m-1", 202)


def test_a_chunked_body_that_ends_early_takes_no_id_away() -> None:
    def script(line: Line) -> None:
        line.read_request()
        line.send(b"HTTP/1.1 202 X\r\nX-Message-Id: m-1\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nshort")

    assert sent("sendgrid", script).message_id == "m-1"


@pytest.mark.parametrize("name", ["mailgun", "ses", "resend"])
def test_an_id_that_was_lost_with_the_body_is_uncertain(name: str) -> None:
    body = CASES[name].accepted.text[:-3]
    outcome = sent(name, cut(200, ENDS["ends"], JSON, body=body))
    assert (outcome.kind, outcome.cause, outcome.status_code) == (Kind.UNCERTAIN, Cause.OUTAGE, 200)


@pytest.mark.parametrize("name", ["mailgun", "ses", "resend"])
def test_an_id_that_came_whole_counts_though_more_was_announced(name: str) -> None:
    outcome = sent(name, cut(200, ENDS["ends"], JSON, body=CASES[name].accepted.text))
    assert outcome.message_id == CASES[name].message_id


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    ("status", "kind", "cause"),
    [
        (500, Kind.UNAVAILABLE, Cause.OUTAGE),
        (503, Kind.UNAVAILABLE, Cause.OUTAGE),
        (504, Kind.UNCERTAIN, Cause.OUTAGE),
        (401, Kind.UNAVAILABLE, Cause.ACCOUNT),
        (429, Kind.THROTTLED, Cause.THROTTLE),
        (400, Kind.UNAVAILABLE, Cause.OUTAGE),
        (403, Kind.UNAVAILABLE, Cause.OUTAGE),
        (422, Kind.UNAVAILABLE, Cause.OUTAGE),
    ],
)
def test_a_status_counts_without_its_body_and_never_refuses_for_good(
    name: str, status: int, kind: Kind, cause: Cause
) -> None:
    outcome = sent(name, cut(status, ENDS["ends"], "Retry-After: 7"))
    assert (outcome.kind, outcome.cause, outcome.status_code) == (kind, cause, status)
    assert outcome.retry_after_s == (7 if status == 429 else None)
    assert outcome.reply == "the answer was cut off"


def test_a_503_that_stalls_is_an_outage() -> None:
    assert sent("sendgrid", cut(503, ENDS["stalls"]), BRIEF_S).kind is Kind.UNAVAILABLE


@pytest.mark.parametrize(
    ("error", "kind", "cause"),
    [
        ("MessageRejected", Kind.UNAVAILABLE, Cause.OUTAGE),  # its words may say that the account is suspended
        ("AccessDeniedException", Kind.UNAVAILABLE, Cause.OUTAGE),  # its words may name an identity
        ("ThrottlingException", Kind.THROTTLED, Cause.THROTTLE),
        ("AccountSuspendedException", Kind.UNAVAILABLE, Cause.ACCOUNT),
        ("BadRequestException", Kind.REFUSED, Cause.MESSAGE),
    ],
)
def test_an_error_that_came_in_a_header_counts(error: str, kind: Kind, cause: Cause) -> None:
    status = 403 if error == "AccessDeniedException" else 400
    outcome = sent("ses", cut(status, ENDS["ends"], f"x-amzn-ErrorType: {error}", body='{"message": "Sen'))
    assert (outcome.kind, outcome.cause) == (kind, cause)


def test_words_that_came_count_and_are_not_told() -> None:
    told = '{"message": "Domain mg.example.com is not allowed to send: key-sec'
    outcome = sent("mailgun", cut(400, ENDS["ends"], JSON, body=told))
    assert (outcome.kind, outcome.cause) == (Kind.UNAVAILABLE, Cause.ACCOUNT)
    assert "key-sec" not in outcome.reply


def _compressed(coding: str, body: bytes, status: int = 200) -> Script:
    return answer(httpx.Response(status, content=body), {"content-encoding": coding})


@pytest.mark.parametrize("name", ["mailgun", "ses", "resend"])
def test_a_body_is_asked_for_as_it_is_and_inflated_all_the_same(name: str) -> None:
    asked: list[bytes] = []
    body = gzip.compress(CASES[name].accepted.content, mtime=0)

    def script(line: Line) -> None:
        asked.append(line.read_request().lower())
        line.send(b"HTTP/1.1 200 X\r\nContent-Encoding: GZIP\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    assert sent(name, script).message_id == CASES[name].message_id
    assert asked[0].count(b"accept-encoding") == 1
    assert b"accept-encoding: identity\r\n" in asked[0]
    assert sent(name, _compressed("deflate", zlib.compress(CASES[name].accepted.content))).kind is Kind.ACCEPTED


def _bare(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


CODED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "bare deflate": ("deflate", _bare),
    "twice": ("deflate, gzip", lambda body: gzip.compress(zlib.compress(body))),
    "named beside none": ("identity, gzip", gzip.compress),
    "several members": ("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
    "padded": ("gzip", lambda body: gzip.compress(body) + bytes(8)),
    "not compressed at all": ("gzip", bytes),
    "of a kind that is not read, but is not": ("br", bytes),
}


@pytest.mark.parametrize("coded", CODED)
@pytest.mark.parametrize("name", ["mailgun", "ses", "resend"])
def test_an_id_is_found_however_the_body_is_compressed(name: str, coded: str) -> None:
    coding, compress = CODED[coded]
    outcome = sent(name, _compressed(coding, compress(CASES[name].accepted.content)))
    assert (outcome.kind, outcome.message_id) == (Kind.ACCEPTED, CASES[name].message_id)


def test_an_empty_body_is_whole_however_it_is_compressed() -> None:
    outcome = sent("sendgrid", _compressed("gzip", b"", 400))
    assert (outcome.kind, outcome.cause) == (Kind.REFUSED, Cause.MESSAGE)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"nope"),
        ("gzip", gzip.compress(b"{}" * 99, mtime=0)[:-12]),
        ("br", b"nope"),
        ("gzip, gzip", b"x"),
        ("ö", b"x"),
    ],
)
def test_what_cannot_be_inflated_is_cut(coding: str, body: bytes) -> None:
    outcome = sent("sendgrid", _compressed(coding, body, 503))
    assert (outcome.kind, outcome.reply) == (Kind.UNAVAILABLE, "the answer was cut off")


def test_an_answer_inflates_within_a_bound() -> None:
    bomb = gzip.compress(bytes(100_000_000), 9)
    assert len(bomb) < ANSWER_LIMIT // 5
    tracemalloc.start()
    try:
        outcome = sent("mailgun", _compressed("gzip", bomb, 503))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert outcome.kind is Kind.UNAVAILABLE
    assert most < 20 * ANSWER_LIMIT


@pytest.mark.parametrize("charset", ["undefined", "idna", "zlib", "utf-16", "unicode_escape", "klingon", "punycode"])
@pytest.mark.parametrize("name", CASES)
def test_a_charset_that_is_none_spoils_no_answer(name: str, charset: str) -> None:
    head = {"Content-Type": f"text/plain; charset={charset}"}
    outcome = sent(name, answer(httpx.Response(503, headers=head, content=b"\xffno upstream\xfe")))
    assert (outcome.kind, outcome.cause) == (Kind.UNAVAILABLE, Cause.OUTAGE)
    assert "no upstream" in outcome.reply


def test_words_count_whatever_the_charset() -> None:
    told = json.dumps({"message": "please activate your Mailgun account"}).encode()
    head = {"Content-Type": "application/json; charset=zlib"}
    outcome = sent("mailgun", answer(httpx.Response(400, headers=head, content=told)))
    assert (outcome.kind, outcome.cause) == (Kind.UNAVAILABLE, Cause.ACCOUNT)
