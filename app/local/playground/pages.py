"""Renders the pages. Every value is escaped, and no page loads, runs or sends anything outside of this port."""

from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.local.playground import words

HERE: Final = Path(__file__).parent
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
    "Referrer-Policy": "same-origin",  # with no-referrer, a form's Origin would be null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
FILES: Final = {"playground.css": "text/css", "live.js": "text/javascript", "icon.svg": "image/svg+xml"}

_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {"clock": words.clock, "plain": words.plain}


def show(template: str, status: int = 200, **values: Any) -> web.Response:
    """The page of this template."""
    return answer(_ENVIRONMENT.get_template(template).render(values), "text/html", status=status)


def answer(content: str | bytes, content_type: str, *, status: int = 200, policy: str = POLICY) -> web.Response:
    """An answer with the headers of all pages. Half a surrogate pair, which no text can have, becomes a `?`."""
    body = content.encode("utf-8", "replace") if isinstance(content, str) else content
    charset = "utf-8" if content_type.startswith("text/") else None
    headers = HEADERS | {"Content-Security-Policy": policy}
    return web.Response(body=body, status=status, content_type=content_type, charset=charset, headers=headers)


def download(content: bytes, filename: str) -> web.Response:
    """A file to keep: the browser neither shows nor runs it, whatever it is."""
    response = answer(content, "application/octet-stream", policy="sandbox; default-src 'none'")
    name = quote(filename.encode("utf-8", "replace"), safe="")
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    return response


def static(name: str) -> web.Response:
    """One of the page's own files. Raises HTTPNotFound for any other name."""
    if name not in FILES:
        raise web.HTTPNotFound
    return answer((HERE / "static" / name).read_bytes(), FILES[name])


def go(path: str) -> web.HTTPSeeOther:
    """The answer to what a form has posted: the browser opens this page of ours.

    What is no path here leads to the first page.
    """
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return web.HTTPSeeOther(path if is_ours else "/")


@web.middleware
async def render_errors(request: web.Request, handler: Any) -> web.StreamResponse:
    """Show an error of the router as a page."""
    try:
        found: web.StreamResponse = await handler(request)
    except web.HTTPRedirection:
        raise
    except web.HTTPException as problem:
        return show("error.html", problem.status, status_code=problem.status, reason=problem.reason)
    return found
