# mypy: disable-error-code="import-not-found"
# because `make check` runs without playwright, too.
"""An email that tries everything: in the playground nothing of it runs, and nothing leaves its frame."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Frame, Page, Route, expect

from tests.browser.conftest import Tab
from tests.support.installation import Installation

SECOND_MS = 1_000


class Canary:
    """Another host, which notes whatever connects to it, and serves the email without any protection."""

    def __init__(self) -> None:
        self.connections = 0
        self.paths: set[str] = set()
        self.html = ""
        canary = self

        class Handler(BaseHTTPRequestHandler):
            def setup(self) -> None:
                canary.connections += 1
                super().setup()

            def do_GET(self) -> None:
                canary.paths.add(self.path)
                body = canary.html.encode() if self.path == "/unprotected" else b"canary"
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def canary() -> Iterator[Canary]:
    found = Canary()
    threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield found
    found.server.shutdown()
    found.server.server_close()


def hostile(url: str) -> str:
    """An email with everything that could reach `url` or act in the page."""
    return f"""<!doctype html><html><head>
<base href="{url}/base/" target="_top">
<LINK rel="preconnect" href="{url}"><link rel="dns-prefetch" href="{url}"><link rel="prefetch" href="{url}/prefetch">
<link rel="stylesheet" href="{url}/style.css"><link rel="icon" href="{url}/icon">
<style>@import url("{url}/import.css"); body {{ background: url("{url}/background.png") }}
@font-face {{ font-family: f; src: url("{url}/font") }} p {{ font-family: f }}</style>
<script>parent.document.title = "taken"; fetch("{url}/fetch"); document.title = "ran"</script>
<script src="{url}/script.js"></script>
</head><body onload="fetch('{url}/onload')">
<p id="said">Hello</p>
<img src="{url}/pixel.png" srcset="{url}/set.png 2x"><img src="relative.png">
<img src=x onerror="fetch('{url}/onerror')">
<picture><source srcset="{url}/source.png"><img></picture>
<svg><image href="{url}/svg.png"/><script>fetch("{url}/svgscript")</script><use href="{url}/use.svg#a"/></svg>
<iframe src="{url}/iframe"></iframe><iframe srcdoc="<script>fetch('{url}/srcdoc')</script>"></iframe>
<object data="{url}/object"></object><embed src="{url}/embed">
<video src="{url}/video" poster="{url}/poster" autoplay></video>
<audio src="{url}/audio" autoplay></audio><input type="image" src="{url}/input.png">
<table background="{url}/table.png"><tr><td style="background-image:url({url}/cell.png)">cell</td></tr></table>
<form action="{url}/form" target="_top"><input name="q" autofocus><button id="submit">Submit</button></form>
<a id="top" href="{url}/top" target="_top">top</a> <a id="self" href="{url}/self" target="_self">self</a>
<a id="blank" href="{url}/blank" target="_blank" ping="{url}/ping">blank</a>
<a id="script" href="javascript:fetch('{url}/link')" target="_self">script</a>
<meta http-equiv="refresh" content="0;url={url}/refresh">
</body></html>"""


def linked(url: str) -> dict[str, str]:
    """Links to `url` in every way there is to write one, by their ids."""
    return {
        "plain": f'<a id="plain" href="{url}/plain">plain</a>',
        "slash": f'<a/href="{url}/slash" id="slash">slash</a>',
        "quoted": f'<a title=">" href="{url}/quoted" id="quoted">quoted</a>',
        "less": f'<a x="<" href="{url}/less" id="less">less</a>',
        "animated": '<svg width="200" height="20"><a id="animated"><text y="15">animated</text>'
        f'<set attributeName="href" to="{url}/animated"/></a></svg>',
        "shadow": f'<div><template shadowrootmode="open"><a/href="{url}/shadow" id="shadow">shadow</a></template>',
        "comment": f'</div><!--><a href="{url}/comment" id="comment">comment</a>-->',
        "styled": "<style>*, html { interactivity: auto !important; pointer-events: auto !important }</style>"
        f'<a href="{url}/styled" id="styled">styled</a>',
        "again": f'<html inert="false"><a href="{url}/again" id="again">again</a>',
        "dialog": f'<dialog open style="position:static"><a href="{url}/dialog" id="dialog">dialog</a></dialog>',
        "key": f'<a href="{url}/key" id="key" accesskey="x">key</a>',
        "after": f'</body></html><a href="{url}/after" id="after">after</a>',
    }


def use(page: Page, name: str) -> None:
    """Click the link with each button, and press Enter where it would be if it could have the focus."""
    link = page.frame_locator("iframe.frame").locator(f"#{name}")
    link.click(force=True)
    link.click(force=True, button="middle")
    link.click(force=True, modifiers=["Control"])
    page.keyboard.press("Alt+x")
    link.focus()
    page.keyboard.press("Enter")
    page.locator(".tabs a").last.focus()
    for key in ("Tab", "Enter"):  # one step only: the next one is in the page's own list of links
        page.keyboard.press(key)
    page.wait_for_timeout(SECOND_MS / 4)


def sent(installation: Installation, html: str) -> int:
    """The number in the inbox of an email with this HTML."""
    email_id = installation.send(subject="<script>document.title='taken'</script>", html=html)
    installation.ended(email_id)
    return int(installation.inbox(email_id)[0]["number"])


def framed(page: Page) -> Frame:
    (frame,) = [each for each in page.frames if each.url.endswith("/frame")]
    return frame


@pytest.fixture(autouse=True)
def calm(installation: Installation) -> None:
    installation.calm()


def test_unprotected_the_same_email_does_what_it_wants(browser: Browser, canary: Canary) -> None:
    """So that what follows proves something."""
    canary.html = hostile(canary.url)
    page = browser.new_context().new_page()
    page.goto(f"{canary.url}/unprotected")
    page.wait_for_url("**/refresh")
    page.context.close()

    assert canary.paths >= {"/pixel.png", "/style.css", "/fetch", "/iframe", "/refresh", "/base/relative.png"}


def test_in_the_playground_nothing_runs_and_nothing_leaves(
    installation: Installation, tab: Tab, canary: Canary
) -> None:
    number = sent(installation, hostile(canary.url))
    popups: list[Page] = []
    tab.page.context.on("page", lambda popup: popups.append(popup))
    url = str(installation.control.base_url.join(f"/messages/{number}"))

    tab.page.goto(url)
    inner = tab.page.frame_locator("iframe.frame")
    expect(inner.locator("#said")).to_have_text("Hello")
    before = framed(tab.page).url
    tab.page.wait_for_timeout(SECOND_MS)
    assert framed(tab.page).url == before

    for control in ("#submit", "#top", "#self", "#blank", "#script"):
        inner.locator(control).click(force=True)  # because nothing in the frame takes a click
        tab.page.wait_for_timeout(SECOND_MS / 4)
        expect(inner.locator("#said")).to_have_text("Hello")
    tab.page.wait_for_timeout(SECOND_MS)

    assert (canary.connections, canary.paths) == (0, set())
    assert tab.page.url == url
    assert popups == []
    assert tab.page.title() == "<script>document.title='taken'</script> · EmailsMinder"
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("<script>document.title='taken'</script>")
    # Its links can be read, and those that lead to a page can be opened on purpose.
    tab.page.locator("#links summary").click()
    shown = tab.page.locator("#links a")
    assert shown.evaluate_all("all => all.map(each => each.href)") == [
        f"{canary.url}/{name}" for name in ("top", "self", "blank")
    ]
    expect(tab.page.locator("#links")).to_contain_text("javascript:")


def test_no_link_opens_a_connection(installation: Installation, tab: Tab, canary: Canary) -> None:
    links = linked(canary.url)
    html = "<!doctype html>" + "".join(f"<p>{each}</p>" for each in links.values()) + '<p style="height: 3000px">end'
    url = str(installation.control.base_url.join(f"/messages/{sent(installation, html)}"))

    for name in links:
        tab.page.goto(url)
        expect(tab.page.frame_locator("iframe.frame").locator(f"#{name}")).to_have_text(name)
        use(tab.page, name)
        assert (name, canary.connections, canary.paths) == (name, 0, set())
    tab.page.goto(url)
    tab.page.locator("#links summary").click()
    shown = tab.page.locator("#links a").evaluate_all("all => all.map(each => each.href)")
    assert shown == [f"{canary.url}/{name}" for name in links]


def test_without_the_frame_being_inert_each_link_opens_one(
    installation: Installation, browser: Browser, canary: Canary
) -> None:
    """So that the test before proves something."""

    def serve(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("<html inert>", "").replace(' inert="false"', ""))

    links = linked(canary.url)
    html = "".join(f"<p>{each}</p>" for each in links.values())
    url = str(installation.control.base_url.join(f"/messages/{sent(installation, html)}"))
    for name in links:
        # Another one for each, because it keeps its connections.
        context = browser.new_context(viewport={"width": 1280, "height": 1600})
        context.route("**/frame", serve)
        page = context.new_page()
        page.goto(url)
        canary.connections = 0
        link = page.frame_locator("iframe.frame").locator(f"#{name}")
        expect(link).to_have_text(name)
        for _ in range(20):
            link.click(force=True)
            page.wait_for_timeout(SECOND_MS / 4)
            if canary.connections:
                break
        context.close()
        assert canary.connections > 0, name


def test_an_email_can_be_read_and_scrolled(installation: Installation, tab: Tab) -> None:
    html = '<!doctype html><p id="said">Hello</p><p style="height: 5000px">tall</p><p id="end">end</p>'
    tab.page.goto(str(installation.control.base_url.join(f"/messages/{sent(installation, html)}")))
    inner = tab.page.frame_locator("iframe.frame")
    expect(inner.locator("#said")).to_be_in_viewport()
    expect(inner.locator("#end")).not_to_be_in_viewport()

    tab.page.locator("iframe.frame").hover()
    tab.page.mouse.wheel(0, 10_000)

    expect(inner.locator("#end")).to_be_in_viewport()
    assert framed(tab.page).evaluate("document.compatMode") == "CSS1Compat"


def test_opened_by_itself_it_runs_nothing_either(installation: Installation, tab: Tab, canary: Canary) -> None:
    number = sent(installation, hostile(canary.url))

    tab.page.goto(str(installation.control.base_url.join(f"/messages/{number}/frame")))
    tab.page.wait_for_timeout(SECOND_MS)

    assert tab.page.url.endswith("/frame")
    assert tab.page.title() != "ran"
    assert (canary.connections, canary.paths) == (0, set())


def test_an_inline_picture_is_shown(installation: Installation, tab: Tab) -> None:
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    email_id = installation.send(
        html='<p>Hello</p><img id="logo" src="cid:logo">',
        attachments=[{"filename": "logo.png", "content": pixel, "content_type": "image/png", "content_id": "logo"}],
    )
    installation.ended(email_id)
    number = installation.inbox(email_id)[0]["number"]

    tab.page.goto(str(installation.control.base_url.join(f"/messages/{number}")))

    picture = tab.page.frame_locator("iframe.frame").locator("#logo")
    expect(picture).to_have_attribute("src", f"data:image/png;base64,{pixel}")
    expect(picture).to_have_js_property("naturalWidth", 1)
    assert tab.complaints == []
