# mypy: disable-error-code="import-not-found, import-untyped"
# because `make check` runs without playwright, too.
"""The documentation page, as a newcomer uses it: authorize, try it out, read the story."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, expect

from app.api.v1 import examples
from tests.browser.conftest import SCHEMES, SCREENS, Tab, screen
from tests.support.installation import Installation

ALL = (  # in the order of a first visit: what is added is there for those after it
    ("health", "checkHealth"),
    ("emails", "sendEmail"),
    ("emails", "sendBatch"),
    ("emails", "explainEmail"),
    ("emails", "listEmails"),
    ("emails", "getEmail"),
    ("emails", "getContent"),
    ("emails", "getAttachment"),
    ("emails", "getRawEmail"),
    ("emails", "cancelEmail"),
    ("emails", "rescheduleEmail"),
    ("emails", "retryEmail"),
    ("events", "listEvents"),
    ("endpoints", "createWebhookEndpoint"),
    ("endpoints", "listWebhookEndpoints"),
    ("endpoints", "rotateWebhookSecret"),
    ("endpoints", "listWebhookDeliveries"),
    ("endpoints", "testWebhookEndpoint"),
    ("endpoints", "replayWebhooks"),
    ("endpoints", "getWebhookEndpoint"),
    ("endpoints", "changeWebhookEndpoint"),
    ("endpoints", "deleteWebhookEndpoint"),
    ("stats", "getStats"),
    ("providers", "listProviders"),
    ("providers", "pauseProvider"),
    ("providers", "resumeProvider"),
    ("suppressions", "listSuppressions"),
    ("suppressions", "getSuppression"),
    ("suppressions", "liftSuppression"),
    ("suppressions", "suppressAddress"),
    ("keys", "createKey"),
    ("keys", "listKeys"),
    ("keys", "getKey"),
    ("keys", "rotateKey"),
    ("keys", "revokeKey"),
)
# The second example of a retry would find the first one under way, or sent; that of an endpoint is on a public host.
ONCE = {"retryEmail", "createWebhookEndpoint"}


def test_an_email_is_sent_and_followed_without_leaving_the_page(
    installation: Installation, tab: Tab, tmp_path: Path
) -> None:
    tab.page.goto(_docs(installation))
    sending = _open(tab, "sendEmail")
    assert _execute(sending) == "202"
    email_id = _answer(sending)["id"]
    tab.page.screenshot(path=tmp_path / "sent.png")

    installation.ended(email_id)
    sending.get_by_role("link", name="story: what becomes of this email").click()
    reading = tab.page.locator("#operations-emails-getEmail")
    expect(reading.get_by_placeholder("email_id")).to_have_value(email_id)
    expect(reading.locator(".live-responses-table tbody .response-col_status")).to_have_text("200")
    expect(reading).to_be_in_viewport()
    story = _answer(reading)
    tab.page.screenshot(path=tmp_path / "story.png")

    assert (story["id"], story["status"]) == (email_id, "delivered")
    assert [attempt["outcome"] for attempt in story["attempts"]] == ["accepted"]
    assert tab.hosts == {installation.api.base_url.netloc.decode()}
    assert tab.complaints == []


@pytest.mark.timeout(240)
def test_every_example_works_as_it_stands(installation: Installation, tab: Tab) -> None:
    described = installation.api.get("/openapi.json").json()
    operations = {it["operationId"]: it for methods in described["paths"].values() for it in methods.values()}
    assert {name for _, name in ALL} == set(operations) - {"recordWebhook"}  # which the provider signs
    tab.page.goto(_docs(installation))
    for tag, name in ALL:
        block = _open(tab, name, tag)
        body = operations[name].get("requestBody", {}).get("content", {}).get("application/json", {})
        shown = list(body.get("examples", {"": None}))
        for example in shown[:1] if name in ONCE else shown:
            if len(shown) > 1:
                block.locator(".examples-select-element").select_option(example)
            assert _execute(block).startswith("2"), f"{name} {example}: {_answer(block)}"
        block.locator(".opblock-summary-control").click()
    assert tab.complaints == []


def test_the_short_example_comes_first_and_every_field_is_described(installation: Installation, tab: Tab) -> None:
    tab.page.goto(_docs(installation))
    sending = _open(tab, "sendEmail")
    assert json.loads(sending.locator("textarea").input_value()) == examples.SHORT
    fields = sending.locator(".fields")
    for name in ("from", "collapse_key", "attachments.content_id", "tracking.opens"):
        term = fields.locator("dt").get_by_text(name, exact=True)
        expect(term).to_have_count(1)
        expect(term.locator("xpath=following-sibling::dd[1]")).not_to_be_empty()
    expect(fields.locator(".must")).to_have_text(["from", "subject"])


def test_the_local_key_is_named_and_used_and_another_one_is_kept(installation: Installation, tab: Tab) -> None:
    tab.page.goto(_docs(installation))
    expect(tab.page.locator(".key")).to_contain_text("em_local_development")
    _authorize(tab, "em_wrong")
    tab.page.reload()
    sending = _open(tab, "sendEmail")
    assert _execute(sending) == "401"
    assert _answer(sending)["type"] == "urn:emailsminder:problem:unauthenticated"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SCREENS)
def test_it_fits_every_screen_in_light_and_dark(
    installation: Installation, browser: Browser, tmp_path: Path, size: str, scheme: str
) -> None:
    with screen(browser, **SCREENS[size], color_scheme=scheme) as tab:
        tab.page.goto(_docs(installation))
        sending = _open(tab, "sendEmail")
        _execute(sending)
        sending.get_by_role("link", name="story").click()
        _open(tab, "listEmails")
        tab.page.screenshot(path=tmp_path / "page.png", full_page=True)
        # A phone would make the page smaller rather than let it be scrolled sideways.
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= SCREENS[size]["viewport"]["width"]
        background = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(28, 32, 34)") is (scheme == "dark")
        ours = Axe().run(
            tab.page, context=[".key", ".fields", ".answer-links", ".examples-select__section-label", ".header-col"]
        )
        assert ours.violations_count == 0, ours.generate_report()
        tab.page.emulate_media(color_scheme="light" if scheme == "dark" else "dark")
        expect(tab.page.locator("html.dark-mode")).to_have_count(0 if scheme == "dark" else 1)


def _docs(installation: Installation) -> str:
    return str(installation.api.base_url.join("/docs"))


def _authorize(tab: Tab, key: str) -> None:
    tab.page.locator(".auth-wrapper .btn.authorize").first.click()
    dialog = tab.page.locator(".modal-ux")
    dialog.get_by_role("button", name="Remove authorization").click()
    dialog.locator("input").fill(key)
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").first.click()
    expect(dialog).to_have_count(0)


def _open(tab: Tab, operation: str, tag: str = "emails") -> Locator:
    """The block of an operation, opened; its form is there at once, as "Try it out" is on."""
    block = tab.page.locator(f"#operations-{tag}-{operation}")
    block.locator(".opblock-summary-control").click()
    expect(block.get_by_role("button", name="Execute")).to_be_visible()
    return block


def _execute(block: Locator) -> str:
    """Press Execute; the status that comes back. What came back before goes first."""
    clear = block.get_by_role("button", name="Clear", exact=True)
    if clear.count():
        clear.click()
    block.get_by_role("button", name="Execute").click()
    status = block.locator(".live-responses-table tbody .response-col_status")
    expect(status).to_have_text(re.compile(r"\d{3}"))
    found = re.search(r"\d{3}", status.inner_text())
    assert found
    return found.group()


def _answer(block: Locator) -> dict[str, Any]:
    """The body that came back."""
    body: dict[str, Any] = json.loads(block.locator(".live-responses-table .highlight-code code").first.inner_text())
    return body
