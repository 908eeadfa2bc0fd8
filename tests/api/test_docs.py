"""/docs: a page that asks no other host for anything."""

import re

import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from app.api.application import create
from app.wiring.parts import Container
from tests.api.conftest import Client


def test_the_front_door_leads_to_the_documentation(client: Client) -> None:
    for method in ("GET", "HEAD"):
        answer = client.request(method, "/", key=None)
        assert (answer.status_code, answer.headers["Location"]) == (307, "/docs")


def test_every_link_of_the_page_is_served_from_here(client: Client) -> None:
    page = client.get("/docs", key=None)
    links = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert len(links) == 6
    for link in links:
        assert link == "data:," or client.get(f"/{link}", key=None).status_code == 200


@pytest.mark.parametrize(
    ("name", "media_type", "text"),
    [
        ("swagger-ui.css", "text/css", ".swagger-ui"),
        ("swagger-ui-bundle.js", "text/javascript", "SwaggerUIBundle"),
        ("page.css", "text/css", ".dark-mode"),
        ("additions.js", "text/javascript", "wrapComponents"),
        ("start.js", "text/javascript", "openapi.json"),
    ],
)
def test_the_files_are_text(client: Client, name: str, media_type: str, text: str) -> None:
    answer = client.get(f"/docs/{name}", key=None)
    assert answer.headers["Content-Type"].startswith(media_type)
    assert text in answer.content.decode("utf-8")


def test_nothing_but_those_files_is_served(client: Client) -> None:
    for name in ("favicon-32x32.png", "index.html", "__init__.py", "..%2Fmain.py"):
        assert client.get(f"/docs/{name}", key=None).status_code == 404


def test_a_key_is_named_in_local_mode_only_and_while_it_works(client: Client, parts: Container) -> None:
    assert '<p class="key">' not in client.get("/docs", key=None).text
    local = create(lambda: parts)
    local.state.local_key = key = parts.api_keys.create("local", {"admin"}, ())
    assert f"<code>{key}</code>" in Client(local, key).get("/docs", key=None).text
    local.state.local_key = "em_revoked"
    page = Client(local, key).get("/docs", key=None)
    assert page.status_code == 200
    assert "em_revoked" not in page.text


def test_the_document_names_the_place_where_it_was_asked_for(client: Client, app: FastAPI) -> None:
    assert client.get("/openapi.json", key=None).json()["servers"] == [{"url": "/"}]

    async def below_a_stage(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "root_path": "/dev"}, receive, send)

    staged = Client(below_a_stage, client.key).get("/dev/openapi.json", key=None)
    assert staged.json()["servers"] == [{"url": "/dev"}]


def test_the_page_allows_no_script_of_others(client: Client) -> None:
    headers = client.get("/docs", key=None).headers
    policy = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert "script-src" not in policy
    assert policy["frame-ancestors"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "<script>" not in client.get("/docs", key=None).text
