# mypy: disable-error-code="import-not-found"
# because `make check` runs without playwright, too.
"""A whole installation, and a page of a Chromium that can reach nothing else."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, sync_playwright

from tests.conftest import free_port
from tests.support.installation import Installation

FLAGS = (
    "--no-sandbox",  # containers run it as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 860}},
    "phone": {"viewport": {"width": 390, "height": 800}, "is_mobile": True, "has_touch": True},
}
SCHEMES = ("light", "dark")


@dataclass
class Tab:
    """A page, and all that it asked for and complained about."""

    page: Page
    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._on_request)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", self._on_error)

    def _on_request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme != "data":
            self.hosts.add(url.netloc)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(str(message.text))

    def _on_error(self, error: Error) -> None:
        self.complaints.append(str(error))


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for all tests of this folder."""
    running = Installation(tmp_path_factory.mktemp("browser"), (free_port(), free_port(), free_port()), {})
    running.start()
    yield running
    running.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium that CHROMIUM names."""
    path = os.environ.get("CHROMIUM")
    if not path:
        pytest.fail("CHROMIUM does not name a browser: run `make test-browser`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """A fresh tab without cookies or storage."""
    context = browser.new_context(viewport={"width": 1280, "height": 1600})
    context.set_default_timeout(15_000)
    yield Tab(context.new_page())
    context.close()


@contextmanager
def screen(browser: Browser, **context: Any) -> Iterator[Tab]:
    """A fresh tab with these options of its context: its size, its color scheme."""
    opened = browser.new_context(**context)
    opened.set_default_timeout(15_000)
    yield Tab(opened.new_page())
    opened.close()
