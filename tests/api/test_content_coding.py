"""Bodies that are gzip, say that they are, or are something else."""

import gzip
import json
import zlib
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from app.api.body import BODY_LIMIT_BYTES
from app.api.content_coding import Decoder
from app.api.problems import TooLarge
from tests.api.conftest import Client
from tests.support.gateway import call, problem, proxy_event
from tests.support.served import serving

EMAIL = b'{"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}'
PACKED = gzip.compress(EMAIL, mtime=0)  # the time of day would give the tests other names in each worker
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def served(app: FastAPI, client: Client) -> Iterator[httpx.Client]:
    headers = JSON | {"Authorization": f"Bearer {client.key}"}
    with serving(app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20) as found:
        yield found


def announced(coding: str) -> dict[str, str]:
    return JSON | {"Content-Encoding": coding}


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "gzip, identity"])
def test_gzip_is_unpacked(client: Client, coding: str) -> None:
    answer = client.post("/v1/emails", content=gzip.compress(EMAIL), headers=announced(coding))
    assert (answer.status_code, answer.json()["subject"]) == (202, "Hello")


@pytest.mark.parametrize("coding", ["gzip", "identity", ""])
def test_a_plain_body_is_read_whatever_is_announced(client: Client, coding: str) -> None:
    assert client.post("/v1/emails", content=EMAIL, headers=announced(coding)).status_code == 202


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "gzip, gzip", "br, gzip"])
def test_any_other_coding_is_refused_with_the_one_that_is_taken(
    client: Client, coding: str, nothing_stored: None
) -> None:
    answer = client.post("/v1/emails", content=zlib.compress(EMAIL), headers=announced(coding))
    assert (answer.status_code, answer.headers["Accept-Encoding"]) == (415, "gzip")
    assert answer.json()["detail"] == "Content-Encoding: send the body as it is, or as `gzip`"
    plain = client.post("/v1/emails", content=EMAIL, headers={"Content-Type": "text/plain"})
    assert (plain.status_code, "Accept-Encoding" in plain.headers) == (415, False)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (PACKED[:-9], "the body is gzip, but its end is missing"),
        (PACKED[:2] + b"nonsense", "the body is announced as gzip, and cannot be unpacked"),
        (PACKED[:-8] + bytes(8), "the body is announced as gzip, and cannot be unpacked"),
        (PACKED * 2, "the body goes on behind the end of the gzip; send one member"),
        (b"", "the body is empty; send a JSON object"),
        (b"\x1f", "the body is not JSON: see line 1, column 1"),
    ],
)
def test_what_is_no_gzip_is_said(client: Client, body: bytes, detail: str) -> None:
    answer = client.post("/v1/emails", content=body, headers=announced("gzip"))
    assert (answer.status_code, answer.json()["detail"]) == (400, detail)


def test_the_limit_is_that_of_the_unpacked_body(served: httpx.Client) -> None:
    most = gzip.compress(EMAIL.ljust(BODY_LIMIT_BYTES))
    more = gzip.compress(EMAIL.ljust(BODY_LIMIT_BYTES + 1))
    assert served.post("/v1/emails", content=most, headers=announced("gzip")).status_code == 202
    assert served.post("/v1/emails", content=more, headers=announced("gzip")).status_code == 413


def test_a_bomb_is_not_unpacked_beyond_the_limit() -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = bomb.compress(bytes(200_000_000)) + bomb.flush()
    limit = 1000
    decoder = Decoder("gzip", limit, TooLarge("too large"))
    with pytest.raises(TooLarge):
        decoder.feed(packed)


def test_the_limit_holds_for_what_is_sent(client: Client) -> None:
    decoder = Decoder("gzip", 1000, TooLarge("too large"))
    with pytest.raises(TooLarge):
        decoder.feed(b"\x1f\x8b" + bytes(999))


def test_a_gzip_in_pieces_is_one_body(served: httpx.Client) -> None:
    packed = gzip.compress(EMAIL)
    pieces = (packed[at : at + 1] for at in range(len(packed)))
    assert served.post("/v1/emails", content=pieces, headers=announced("gzip")).status_code == 202


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("body", [PACKED, EMAIL.decode()])
def test_through_the_gateway_packed_or_unpacked(client: Client, body: str | bytes) -> None:
    headers = announced("gzip") | {"Authorization": f"Bearer {client.key}"}
    answer = call(proxy_event("POST", "/v1/emails", headers, body=body))
    assert (answer["statusCode"], json.loads(answer["body"])["subject"]) == (202, "Hello")
    refused = call(proxy_event("POST", "/v1/emails", headers | {"Content-Encoding": "br"}, body=body))
    assert (problem(refused)["status"], refused["headers"]["accept-encoding"]) == (415, "gzip")
