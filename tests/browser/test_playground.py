# mypy: disable-error-code="import-not-found, import-untyped"
# because `make check` runs without playwright, too.
"""The playground, as a newcomer uses it: four clicks, a search, a form, light and dark, phone and desktop."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SCHEMES, SCREENS, Tab, screen
from tests.support.installation import Installation


@pytest.fixture(autouse=True)
def calm(installation: Installation) -> None:
    """Every account works, and the inbox is empty."""
    installation.calm()


def at(installation: Installation, path: str = "/") -> str:
    return str(installation.control.base_url.join(path))


def own_hosts(installation: Installation) -> set[str]:
    return {installation.control.base_url.netloc.decode()}


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_four_clicks_show_a_failover(installation: Installation, tab: Tab) -> None:
    tab.page.goto(at(installation))

    press(tab.page, "Break SendGrid")
    expect(tab.page.locator("#card-1")).to_contain_text("answers 503")
    press(tab.page, "Send an email")
    story = tab.page.locator("#story")
    expect(story).to_contain_text("Attempt 1: SendGrid could not take it")
    expect(story).to_contain_text("Attempt 2: Mailgun took it")
    expect(story).to_contain_text("Mailgun delivered it")
    expect(story).to_contain_text("Nothing: every recipient has a final status.")
    expect(tab.page.locator("#copy .route")).to_contain_text("Mailgun attempt 2")
    tab.page.get_by_role("link", name="Text", exact=True).click()
    expect(tab.page.get_by_label("Text", exact=True)).to_contain_text("thank you for trying this out")
    press(tab.page, "Mend SendGrid")

    expect(tab.page.locator("#card-1")).to_contain_text("works")
    press(tab.page, "Break Mailgun")
    press(tab.page, "Mend Mailgun")
    assert installation.control.get("/control/providers").json()["sendgrid"]["fault"] == "none"
    assert tab.hosts == own_hosts(installation)
    assert tab.complaints == []


def test_the_list_is_live_and_can_be_searched(installation: Installation, tab: Tab) -> None:
    tab.page.goto(at(installation))
    expect(tab.page.locator("#messages")).to_contain_text("No provider has taken an email yet.")

    for subject, to in (("Invoice <b>1</b>", "ann@example.net"), ("Code", "bob@example.net")):
        installation.ended(installation.send(subject=subject, to=[to], tags=["Ümläut"]))

    rows = tab.page.locator(".messages li")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("bob@example.net")
    for words, found in (("invoice ANN", 1), ("ümläut", 2), ("<b>1", 1), ("nobody", 0)):
        tab.page.get_by_role("searchbox").fill(words)
        press(tab.page, "Search")
        expect(rows).to_have_count(found)
    expect(tab.page.locator("#messages")).to_contain_text("No email has nobody in its addresses")
    assert tab.hosts == own_hosts(installation)
    assert tab.complaints == []


def test_an_email_with_an_attachment_is_written_and_downloaded(
    installation: Installation, tab: Tab, tmp_path: Path
) -> None:
    file = tmp_path / "Übersicht <1>.csv"
    file.write_bytes(b"a,b\r\n\x00\xff\r\n")
    tab.page.goto(at(installation, "/send"))
    tab.page.get_by_label("From").fill("Shop <shop@example.com>")
    tab.page.get_by_label("To", exact=False).first.fill("Ann <ann@example.net>, bob@example.net")
    tab.page.get_by_label("Subject").fill("With a file")
    tab.page.get_by_label("Attachment").set_input_files(file)
    press(tab.page, "Send")
    expect(tab.page.locator("#story")).to_contain_text("delivered it")

    tab.page.get_by_role("link", name="Attachments (1)").click()
    with tab.page.expect_download() as download:
        tab.page.get_by_role("link", name="Übersicht").click()

    assert Path(download.value.path()).read_bytes() == file.read_bytes()
    tab.page.get_by_role("link", name="Source", exact=True).click()
    expect(tab.page.get_by_label("Source", exact=True)).to_contain_text("Content-Disposition: attachment")
    tab.page.get_by_role("link", name="Headers", exact=True).click()
    expect(tab.page.get_by_label("Headers", exact=True)).to_contain_text("Shop <shop@example.com>")
    assert tab.complaints == []


def test_what_is_wrong_with_a_field_stands_at_the_field(installation: Installation, tab: Tab) -> None:
    tab.page.goto(at(installation, "/send"))
    tab.page.get_by_label("From").fill("nobody")
    tab.page.locator("#to").fill("ann@example.net, bob")
    press(tab.page, "Send")

    for name, message in (("from", "is not an email address"), ("to", "number 2 is not an email address")):
        field = tab.page.locator(f"#{name}")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(tab.page.locator(f"#{field.get_attribute('aria-describedby')}")).to_contain_text(message)
    expect(tab.page.locator("#from")).to_have_value("nobody")
    expect(tab.page.locator("#subject")).not_to_have_attribute("aria-invalid", "true")


def test_switches_pause_and_ten(installation: Installation, tab: Tab) -> None:
    tab.page.goto(at(installation))
    card = tab.page.locator("#card-1")
    card.get_by_text("All faults").click()
    for name in ("takes it, then bounces", "come twice", "takes 0.5 s"):
        card.get_by_role("switch", name=name, exact=True).click()
        expect(card.get_by_role("switch", name=name, exact=True)).to_have_attribute("aria-checked", "true")
    state = installation.control.get("/control/providers").json()["sendgrid"]
    assert (state["fault"], state["webhooks"], state["latency_ms"]) == ("accept_then_bounce", ["duplicate"], 500)
    card.get_by_role("switch", name="come twice", exact=True).click()
    assert installation.control.get("/control/providers").json()["sendgrid"]["webhooks"] == []
    card.get_by_role("button", name="Mend SendGrid").click()

    card.get_by_role("button", name="Pause SendGrid").click()
    expect(card).to_contain_text("nothing is sent here")
    press(tab.page, "Send ten")
    expect(tab.page.locator(".messages li")).to_have_count(10)
    assert installation.calls("sendgrid") == 0
    card.get_by_role("button", name="Resume SendGrid").click()
    expect(card).not_to_contain_text("nothing is sent here")
    assert tab.complaints == []


def test_a_refresh_leaves_alone_what_the_reader_is_at(installation: Installation, tab: Tab) -> None:
    tab.page.goto(at(installation))
    card = tab.page.locator("#card-1")
    summary = card.locator("summary")
    summary.click()
    switch = card.get_by_role("switch", name="never answers")
    switch.focus()

    installation.ended(installation.send())

    expect(tab.page.locator(".messages li")).to_have_count(1)
    expect(card.locator(".health")).to_contain_text("Calls1")
    expect(switch).to_be_focused()
    summary.click()
    installation.ended(installation.send())
    expect(card.locator(".health")).to_contain_text("Calls2")
    expect(switch).not_to_be_visible()


def test_it_works_without_javascript(installation: Installation, browser: Browser) -> None:
    with screen(browser, java_script_enabled=False) as tab:
        tab.page.goto(at(installation))
        press(tab.page, "Break SendGrid")
        press(tab.page, "Send an email")
        installation.ended(tab.page.url.split("/emails/")[1])
        tab.page.reload()
        expect(tab.page.locator("#story")).to_contain_text("Mailgun delivered it")
        press(tab.page, "Mend SendGrid")
        expect(tab.page.locator("#card-1")).to_contain_text("works")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SCREENS)
def test_it_is_readable_for_everybody(
    installation: Installation, browser: Browser, tmp_path: Path, size: str, scheme: str
) -> None:
    installation.fault("sendgrid", "unavailable", webhooks=["late"], latency_ms=500)
    email_id = installation.send(
        subject="Long" * 40,
        html="<h1>Hello</h1><a href='https://example.com/reset'>Reset</a>",
        tags=["one", "two"],
        attachments=[{"filename": "a.txt", "content": "SGVsbG8="}],
    )
    installation.ended(email_id)
    number = installation.inbox(email_id)[0]["number"]
    paths = ["/", "/?q=nothing", "/?open=sendgrid", "/send", f"/emails/{email_id}", "/nothing"]
    paths += [f"/messages/{number}?view={view}" for view in ("html", "text", "headers", "source", "files")]
    with screen(browser, **SCREENS[size], color_scheme=scheme) as tab:
        for index, path in enumerate(paths):
            tab.page.goto(at(installation, path))
            tab.page.screenshot(path=tmp_path / f"{index}.png", full_page=True)
            found = Axe().run(tab.page)
            assert found.violations_count == 0, found.generate_report()
            # A phone would make the page smaller rather than let it be scrolled sideways.
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= SCREENS[size]["viewport"]["width"], path
        assert tab.hosts == own_hosts(installation)
