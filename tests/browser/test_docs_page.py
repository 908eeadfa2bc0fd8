# mypy: disable-error-code="import-not-found"
# because `make check` runs without playwright, too.
"""The documentation page, as a newcomer uses it: authorize, try it out, read the story."""

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Tab
from tests.support.installation import Installation


def test_an_email_is_sent_and_followed_without_leaving_the_page(
    installation: Installation, tab: Tab, tmp_path: Path
) -> None:
    tab.page.goto(_docs(installation))
    _authorize(tab, "em_local_development")

    sending = _open(tab, "sendEmail")
    assert _execute(sending) == "202"
    email_id = _answer(sending)["id"]
    sending.locator(".live-responses-table").scroll_into_view_if_needed()
    tab.page.screenshot(path=tmp_path / "sent.png")

    installation.ended(email_id)
    reading = _open(tab, "getEmail")
    reading.get_by_placeholder("email_id").fill(email_id)
    assert _execute(reading) == "200"
    story = _answer(reading)
    reading.locator(".live-responses-table").scroll_into_view_if_needed()
    tab.page.screenshot(path=tmp_path / "story.png")

    assert (story["id"], story["status"]) == (email_id, "delivered")
    assert [attempt["outcome"] for attempt in story["attempts"]] == ["accepted"]
    assert tab.hosts == {installation.api.base_url.netloc.decode()}
    assert tab.complaints == []


def test_a_wrong_key_is_told_apart_from_a_right_one(installation: Installation, tab: Tab) -> None:
    tab.page.goto(_docs(installation))
    _authorize(tab, "em_wrong")
    sending = _open(tab, "sendEmail")
    assert _execute(sending) == "401"
    assert _answer(sending)["type"] == "urn:emailsminder:problem:unauthenticated"


def _docs(installation: Installation) -> str:
    return str(installation.api.base_url.join("/docs"))


def _authorize(tab: Tab, key: str) -> None:
    tab.page.locator(".auth-wrapper .btn.authorize").first.click()
    dialog = tab.page.locator(".modal-ux")
    dialog.locator("input").fill(key)
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").first.click()
    expect(dialog).to_have_count(0)


def _open(tab: Tab, operation: str) -> Locator:
    """The block of an operation, opened; its form is there at once, as "Try it out" is on."""
    block = tab.page.locator(f"#operations-emails-{operation}")
    block.locator(".opblock-summary-control").click()
    expect(block.get_by_role("button", name="Execute")).to_be_visible()
    return block


def _execute(block: Locator) -> str:
    """Press Execute; the status that comes back."""
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
