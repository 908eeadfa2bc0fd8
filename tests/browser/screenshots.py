# mypy: disable-error-code="import-not-found"
# because `make check` runs without playwright, too.
"""`make screenshots`: the README's picture, of the failover that its four clicks show."""

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import FLAGS
from tests.conftest import free_port
from tests.support.installation import Installation

PICTURE = Path(__file__).parents[2] / "docs" / "playground.png"


def main() -> None:
    """Start an installation, click, and take the picture."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        installation = Installation(Path(folder), (free_port(), free_port(), free_port()), {})
        installation.start()
        try:
            chromium = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
            page = chromium.new_page(viewport={"width": 1180, "height": 860}, color_scheme="light")
            page.goto(str(installation.control.base_url))
            page.get_by_role("button", name="Break SendGrid").click()
            page.get_by_role("button", name="Send an email").click()
            expect(page.locator("#story")).to_contain_text("Nothing: every recipient has a final status.")
            expect(page.frame_locator("iframe.frame").locator("h1")).to_be_visible()
            page.screenshot(path=PICTURE, full_page=True)
            chromium.close()
        finally:
            installation.close()
    sys.stdout.write(f"{PICTURE}: {PICTURE.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
