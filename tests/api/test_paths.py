"""What a path takes: the slash at its end, HEAD, OPTIONS, other methods, and what is said where nothing is."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from app.api.application import ROUTERS
from app.api.paths import Paths, Table
from tests.api.conftest import Client
from tests.support.gateway import call, http_event, problem, proxy_event
from tests.support.served import Wire, request, serving

READABLE = [
    "/",
    "/docs",
    "/docs/start.js",
    "/openapi.json",
    "/health",
    "/v1/emails",
    "/v1/providers",
    "/v1/suppressions",
]
ALLOWED = {
    "/v1/emails/eml_none": "GET, HEAD, OPTIONS, PATCH",
    "/v1/emails/eml_none/cancel": "OPTIONS, POST",
    "/v1/emails/explain": "OPTIONS, POST",
    "/v1/emails": "GET, HEAD, OPTIONS, POST",
    "/v1/suppressions": "GET, HEAD, OPTIONS, POST",
    "/v1/suppressions/sup_none": "DELETE, GET, HEAD, OPTIONS",
    "/openapi.json": "GET, HEAD, OPTIONS",
    "/": "GET, HEAD, OPTIONS",
}
EMAIL = b'{"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}'


@pytest.fixture(scope="module")
def port(app: FastAPI) -> Iterator[int]:
    with serving(app) as found:
        yield found


@pytest.mark.parametrize("path", [*READABLE, "/v1/emails/eml_none"])
def test_head_is_get_without_the_body(client: Client, port: int, path: str) -> None:
    with Wire(port) as wire:  # one connection: a body behind a HEAD would be read as the next answer
        headed = wire.ask(request("HEAD", path, client.key), is_head=True)
        got = wire.ask(request("GET", path, client.key))
    assert headed[0] == got[0]
    varying = {"date", "x-request-id"}
    assert {name: value for name, value in headed[1].items() if name not in varying} == {
        name: value for name, value in got[1].items() if name not in varying
    }


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("event", [proxy_event, http_event])
def test_head_through_the_gateway(client: Client, event: Any) -> None:
    answer = call(event("HEAD", "/v1/providers", {"Authorization": f"Bearer {client.key}"}))
    assert (answer["statusCode"], answer["body"]) == (200, "")


def test_every_route_that_is_read_is_headed() -> None:
    table = Table(route for router in ROUTERS for route in router.routes)
    found = {place.route.path: place.allowed for place in table}
    assert len(found) > 12
    assert [path for path, allowed in found.items() if "GET" in allowed and "HEAD" not in allowed] == []


@pytest.mark.parametrize(("path", "allowed"), ALLOWED.items())
def test_options_lists_the_methods_and_opens_nothing_to_other_origins(client: Client, path: str, allowed: str) -> None:
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    answer = client.request("OPTIONS", path, key=None, headers=headers)
    assert (answer.status_code, answer.headers["Allow"], answer.content) == (204, allowed, b"")
    got = client.get(path, headers=headers)
    assert not [name for each in (answer, got) for name in each.headers if name.startswith("access-control")]


@pytest.mark.parametrize(("path", "allowed"), ALLOWED.items())
def test_another_method_is_told_which_there_are(client: Client, path: str, allowed: str) -> None:
    answer = client.request("PUT", path, key=None)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert allowed in answer.json()["detail"]


def test_a_name_is_no_id_of_an_email(client: Client, port: int) -> None:
    with Wire(port) as wire:
        status, headers, body = wire.ask(request("GET", "/v1/emails/explain", client.key))
    assert (status, headers["allow"]) == (405, "OPTIONS, POST")
    assert json.loads(body)["detail"] == "/v1/emails/explain takes OPTIONS, POST only"


@pytest.mark.parametrize("path", READABLE[3:])
def test_a_slash_at_the_end_is_the_same_route(client: Client, path: str) -> None:
    answer = client.get(f"{path}/")
    assert (answer.status_code, answer.content) == (200, client.get(path).content)


def test_a_post_with_a_slash_at_the_end_goes_nowhere_else(client: Client, port: int) -> None:
    proxied = ("X-Forwarded-Host: mail.example.com", "X-Forwarded-Proto: https")
    with Wire(port) as wire:
        status, headers, _ = wire.ask(request("POST", "/v1/emails/", client.key, EMAIL, *proxied))
    assert status == 202
    assert headers["location"].startswith("/v1/emails/eml_")


@pytest.mark.parametrize("path", ["/", "/docs/", "//", "/v1/emails/", "/nowhere/", "//evil.example/", "/docs//"])
def test_no_answer_leads_to_another_host(client: Client, port: int, path: str) -> None:
    with Wire(port) as wire:
        status, headers, body = wire.ask(request("GET", path, client.key, b"", "X-Forwarded-Host: evil.example"))
    assert status in {200, 307, 404}
    assert headers.get("location", "/docs") == "/docs"
    assert b"api.test" not in body + str(headers).encode()


@pytest.mark.parametrize(
    ("path", "meant"), [("/v1/email", "/v1/emails"), ("/emails", "/v1/emails"), ("/helth", "/health")]
)
def test_where_nothing_is_there_is_a_hint(client: Client, path: str, meant: str) -> None:
    answer = client.get(path, key=None)
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"there is nothing at this path; did you mean {meant}? /docs lists all calls"


def test_a_path_like_none_of_ours_gets_no_guess(client: Client) -> None:
    answer = client.get("/" + "x" * 5000, key=None)
    assert answer.json()["detail"] == "there is nothing at this path; /docs lists all calls"


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("base", [None, "", "/mail", "/v1", "/dev", "/mail/dev", "/shop/mail"])
def test_every_route_below_a_stage_or_a_base_path(client: Client, base: str | None) -> None:
    prefix = "/dev" if base is None else base
    key = {"Authorization": f"Bearer {client.key}"}
    headers = key | {"Content-Type": "application/json"}
    sent = call(proxy_event("POST", "/v1/emails", headers, base=base, body=EMAIL.decode()))
    email_id = json.loads(sent["body"])["id"]
    assert (sent["statusCode"], sent["headers"]["location"]) == (202, f"{prefix}/v1/emails/{email_id}")
    for path in (*READABLE[1:], f"/v1/emails/{email_id}", "/v1/emails/", "/docs/swagger-ui.css"):
        assert call(proxy_event("GET", path, key, base=base))["statusCode"] == 200, path
    for path in ("/", "/docs/"):
        answer = call(proxy_event("GET", path, base=base))
        assert (answer["statusCode"], answer["headers"]["location"]) == (307, f"{prefix}/docs")
    document = json.loads(call(proxy_event("GET", "/openapi.json", base=base))["body"])
    assert document.get("servers", [{"url": ""}])[0]["url"].rstrip("/") == prefix
    missed = problem(call(proxy_event("GET", "/v1/email", base=base)))
    assert f"did you mean {prefix}/v1/emails? {prefix}/docs lists" in missed["detail"]


def test_what_is_no_request_passes() -> None:
    passed: list[Any] = []

    async def app(*given: object) -> None:
        passed.append(given)

    async def nothing(*_: object) -> Any:
        raise AssertionError

    asyncio.run(Paths(app, Table([]))({"type": "lifespan"}, nothing, nothing))
    assert passed
