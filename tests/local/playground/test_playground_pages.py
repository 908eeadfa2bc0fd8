"""The pages without an API behind them: what they show of emails, and what they refuse."""

import base64
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.local.playground import frame, pages, words
from app.local.simulator.faults import Fault, WebhookFault
from tests.local.simulator.case import credentials
from tests.local.simulator.rig import Rig

# Markup that nothing in the templates has, and that leaves an attribute of either kind.
EVIL = "\"'><zz onload=alert(1)>&amp;{{ 7 * 7 }}"
FILE = b"<zz>\x00\xff"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("keys"), "--api-url", "http://127.0.0.1:9", "--real", "ses") as rig:
        yield rig


@pytest.fixture(scope="module")
def page(rig: Rig) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=rig.ready["control_url"], timeout=60) as client:
        yield client


def send(rig: Rig, **changes: Any) -> int:
    """Send an email through the simulated SendGrid. Returns its number in the inbox."""
    body: dict[str, Any] = {
        "personalizations": [
            {"to": [{"email": "bo@example.com", "name": EVIL}], "custom_args": {"eid": "1", "x": EVIL}}
        ],
        "from": {"email": "app@example.com", "name": EVIL},
        "subject": EVIL,
        "content": [{"type": "text/plain", "value": EVIL}, {"type": "text/html", "value": EVIL}],
        "categories": [EVIL],
        "headers": {"X-Evil": EVIL},
        "attachments": [
            {
                "filename": EVIL,
                "type": "text/zz",
                "content": base64.b64encode(FILE).decode(),
                "disposition": "inline",
                "content_id": "zz",
            }
        ],
        **changes,
    }
    key = {"Authorization": f"Bearer {credentials('sendgrid')['API_KEY']}"}
    answer = rig.http.post(f"{rig.base_url('sendgrid')}/v3/mail/send", json=body, headers=key)
    assert answer.status_code == 202, answer.text
    return int(rig.control.get("/messages").json()[-1]["number"])


def test_whatever_an_email_carries_is_escaped(rig: Rig, page: httpx.Client) -> None:
    number = send(rig)
    views = ("html", "text", "code", "headers", "source", "files")
    assert rig.control.get("/messages").json()[-1]["tags"] == [EVIL]
    paths = ["/", f"/?q={EVIL}", *(f"/messages/{number}?view={view}" for view in views)]
    for path in paths:
        shown = page.get(path)
        assert shown.status_code == 200, path
        assert shown.headers["content-type"] == "text/html; charset=utf-8"
        assert "<zz" not in shown.text, path
    assert EVIL in unescape(page.get(f"/messages/{number}?view=text").text)
    assert EVIL in unescape(page.get(f"/messages/{number}?view=code").text)
    assert EVIL in unescape(page.get(f"/messages/{number}?view=headers").text)


def test_the_frame_alone_has_the_html_and_the_strictest_policy(rig: Rig, page: httpx.Client) -> None:
    number = send(rig)

    inner = page.get(f"/messages/{number}/frame")

    assert inner.text == f"<html inert>{EVIL}"
    assert inner.headers["content-security-policy"] == frame.POLICY
    assert inner.headers["x-content-type-options"] == "nosniff"
    outer = page.get(f"/messages/{number}").text
    assert re.findall(r"<iframe[^>]*>", outer) == [
        f'<iframe class="frame" src="/messages/{number}/frame" sandbox="" referrerpolicy="no-referrer" '
        'title="The email&#39;s HTML">'.replace("&#39;", "'")
    ]


def test_attachments_and_source_are_downloads_whatever_they_are(rig: Rig, page: httpx.Client) -> None:
    number = send(rig)

    file, source = page.get(f"/messages/{number}/files/0"), page.get(f"/messages/{number}/source")

    assert file.content == FILE
    assert b"X-Evil:" in source.content
    for download in (file, source):
        assert download.headers["content-type"] == "application/octet-stream"
        assert download.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert download.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert "<" not in file.headers["content-disposition"]


def test_every_page_forbids_what_it_does_not_need(rig: Rig, page: httpx.Client) -> None:
    for path in ("/", "/send", f"/messages/{send(rig)}", "/nothing", "/static/live.js"):
        assert page.get(path).headers.items() >= {name.lower(): value for name, value in pages.HEADERS.items()}.items()
    assert "unsafe" not in pages.POLICY
    assert "http" not in pages.POLICY


def test_half_a_surrogate_pair_spoils_no_page(rig: Rig, page: httpx.Client) -> None:
    key = {"Authorization": f"Bearer {credentials('sendgrid')['API_KEY']}", "Content-Type": "application/json"}
    body = (
        '{"personalizations": [{"to": [{"email": "bo@example.com"}]}], "from": {"email": "app@example.com"}, '
        '"subject": "\\ud800", "content": [{"type": "text/plain", "value": "\\ud800"}, '
        '{"type": "text/html", "value": "\\udfff"}]}'
    )
    answer = rig.http.post(f"{rig.base_url('sendgrid')}/v3/mail/send", content=body, headers=key)
    assert answer.status_code == 202
    number = rig.control.get("/messages").json()[-1]["number"]

    for path in ("", "?view=text", "?view=source", "?view=headers", "?view=code", "/frame", "/source"):
        assert page.get(f"/messages/{number}{path}").status_code == 200, path
    assert page.get("/").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/messages/0", "/messages/4294967296", "/messages/x", "/messages/-1", "/messages/1/files/9", "/emails/",
     "/nothing", "/static/base.html", "/static/..%2fpages.py", "/messages/12345678901"],
)  # fmt: skip
def test_what_is_not_there_is_a_page_that_says_so(page: httpx.Client, path: str) -> None:
    answer = page.get(path)
    assert answer.status_code == 404
    assert "Back to the inbox" in answer.text


def test_a_wrong_method_is_a_page_too(page: httpx.Client) -> None:
    assert page.get("/send/one").status_code == 405
    assert page.delete("/").status_code == 405


@pytest.mark.parametrize("before", ["x", "-1", "9" * 5000, "²", ""])
def test_a_place_that_is_none_shows_the_newest(rig: Rig, page: httpx.Client, before: str) -> None:
    number = send(rig)
    assert f"/messages/{number}" in page.get("/", params={"before": before}).text


def test_older_emails_are_on_further_pages(rig: Rig, page: httpx.Client) -> None:
    first = send(rig, subject="the first of many", attachments=[])
    for _ in range(60):
        send(rig, attachments=[])

    newest = page.get("/").text
    older = re.search(r'href="(/\?q=&amp;before=\d+)"', newest)

    assert newest.count('href="/messages/') == 50
    assert older
    assert f'"/messages/{first}"' in page.get(unescape(older[1])).text
    assert f'"/messages/{first}"' in page.get("/", params={"q": "FIRST many"}).text


def test_without_an_api_the_page_says_so(rig: Rig, page: httpx.Client) -> None:
    number = send(rig)
    assert "the API does not answer" in page.get("/").text
    assert "did not come through EmailsMinder" in page.get(f"/messages/{number}").text
    assert "does not have its story, or does not answer" in page.get("/emails/eml_x").text
    assert page.post("/send/one").headers["location"] == "/?note=failed"
    assert page.post("/send/ten").headers["location"] == "/?note=failed"
    assert page.post("/accounts/sendgrid/pause").headers["location"] == "/?note=failed"
    form = page.post("/send", data={"from": EVIL, "to": "bo@example.com", "text": EVIL})
    assert form.status_code == 422
    assert "The API does not answer at http://127.0.0.1:9." in form.text
    assert "<zz" not in form.text
    assert EVIL in unescape(form.text)


def test_a_form_that_is_too_large_is_said_at_the_attachment(page: httpx.Client) -> None:
    answer = page.post("/send", data={"from": "a@example.com"}, files={"attachment": ("a", bytes(5_000_000))})
    assert answer.status_code == 413
    assert 'aria-describedby="error-attachment-1"' in answer.text


def test_every_switch_turns_its_fault_on_and_off(rig: Rig, page: httpx.Client) -> None:
    switches = [
        *(("fault", str(fault)) for group in words.FAULTS.values() for fault in group),
        *(("webhooks", str(fault)) for fault in words.WEBHOOKS),
        *(("latency_ms", str(each)) for each in words.LATENCIES),
    ]
    for field, value in switches:
        before = rig.control.get("/providers").json()["mailgun"]
        for is_on in (True, False):
            answer = page.post("/accounts/mailgun/switch", data={field: value, "back": "/send?x=1"})
            assert (answer.status_code, answer.headers["location"]) == (303, "/send?x=1")
            state = rig.control.get("/providers").json()["mailgun"]
            assert (state != before) == is_on
            checked = re.findall(r'aria-checked="true" name="(\w+)" value="(\w+)"', page.get("/").text)
            assert checked == ([(field, value)] if is_on else [])
    page.post("/accounts/mailgun/switch", data={"fault": "hang"})
    page.post("/accounts/mailgun/switch", data={"webhooks": "late"})
    assert "Mend Mailgun" in page.get("/").text
    page.post("/accounts/mailgun/switch", data={"mend": "all"})
    state = rig.control.get("/providers").json()["mailgun"]
    assert (state["fault"], state["webhooks"]) == ("none", [])


@pytest.mark.parametrize(
    "data",
    [{"fault": "flood"}, {"webhooks": "never"}, {"latency_ms": "-1"}, {"latency_ms": "9" * 20}, {"latency_ms": "²"}],
)
def test_a_switch_that_is_none_changes_nothing(rig: Rig, page: httpx.Client, data: dict[str, str]) -> None:
    before = rig.control.get("/providers").json()
    assert page.post("/accounts/mailgun/switch", data=data).status_code == 422
    assert rig.control.get("/providers").json() == before


def test_an_account_that_is_none_is_said(page: httpx.Client) -> None:
    assert page.post("/accounts/nobody/switch", data={"fault": "hang"}).status_code == 404


@pytest.mark.parametrize(
    "back", ["https://example.com/", "//example.com", "/\\example.com", "javascript:x", "/\r\nX: y", ""]
)
def test_a_form_leads_to_no_other_host(page: httpx.Client, back: str) -> None:
    answer = page.post("/accounts/mailgun/switch", data={"mend": "all", "back": back})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_an_account_that_is_not_simulated_has_no_faults(page: httpx.Client) -> None:
    shown = page.get("/").text
    assert "not simulated" in shown
    assert re.findall(r">Break ([\w ]+)<", shown) == ["SendGrid", "Mailgun", "Resend"]
    assert shown.count("All faults") == 3


def test_the_inbox_is_emptied(rig: Rig, page: httpx.Client) -> None:
    send(rig)
    assert page.post("/messages/clear").status_code == 303
    assert rig.control.get("/messages").json() == []
    assert "No provider has taken an email yet." in page.get("/").text


def test_nothing_on_the_pages_is_from_elsewhere(page: httpx.Client) -> None:
    for path in (*(f"/static/{name}" for name in pages.FILES), "/", "/send"):
        loaded = re.findall(
            r"""(?:src|href|url\(|@import|action)\s*=?\s*["']?(https?:[^"')\s]*)""", page.get(path).text
        )
        assert set(loaded) <= {"http://127.0.0.1:9/docs"}, path
    css = (pages.HERE / "static" / "playground.css").read_text()
    assert "url(" not in css


def test_every_fault_has_one_switch() -> None:
    faults = [fault for group in words.FAULTS.values() for fault in group]
    assert sorted(faults) == sorted(set(Fault) - {Fault.NONE})
    assert set(words.WEBHOOKS) == set(WebhookFault)


def test_the_documentation_has_the_words_of_the_switches() -> None:
    page = (Path(__file__).parents[3] / "docs" / "playground.md").read_text()
    table = page.partition("| the provider | `fault` |\n")[2].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| ([^|]+) \| `([a-z0-9_]+)` \|$", table, re.MULTILINE))
    assert rows == {label: fault for group in words.FAULTS.values() for fault, label in group.items()}
    assert all(f"`{fault}`" in page for fault in WebhookFault)
