"""/docs: Swagger UI. Its files come from a Python package, so that the browser loads nothing from another host."""

from html import escape
from importlib import resources

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from app.api import threads
from app.errors import NotFound
from app.wiring.parts import Container

router = APIRouter(include_in_schema=False)

# Every link of the page is relative, so that it works under the path prefix of any API Gateway stage.
_OURS = resources.files("app.api").joinpath("documentation")
_SWAGGER = resources.files("fastapi_swagger").joinpath("resources")
_FILES = {
    "swagger-ui.css": _SWAGGER,
    "swagger-ui-bundle.js": _SWAGGER,
    "page.css": _OURS,
    "additions.js": _OURS,
    "start.js": _OURS,
}
_MEDIA_TYPES = {"css": "text/css", "js": "text/javascript"}
_KEY = '<p class="key">On this machine, every call is authorized with the local key <code>{key}</code></p>'
_HEADERS = {
    # Swagger UI sets style attributes and draws its icons from data: URLs.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@router.get("/")
@router.get("/docs/")  # the links of the page would lead below it
async def redirect_to_docs(request: Request) -> Response:
    """Redirect to the documentation."""
    return RedirectResponse(f"{request.scope['root_path']}/docs")


@router.get("/openapi.json")
async def show_document(request: Request) -> Response:
    """The OpenAPI document. Its server is where it was asked for, under the path of an API Gateway stage, too."""
    return JSONResponse(request.app.openapi() | {"servers": [{"url": request.scope["root_path"] or "/"}]})


@router.get("/docs")
async def show_docs(request: Request) -> Response:
    """The HTML page. In local mode it names the key that everybody knows, unless that one was revoked."""
    page = _OURS.joinpath("index.html").read_text(encoding="utf-8")
    key: str | None = request.app.state.local_key
    if key is not None:
        parts: Container = request.app.state.connect()
        is_known = await threads.run(parts.api_keys.find, key) is not None
        page = page.replace("<!-- key -->", _KEY.format(key=escape(key)) if is_known else "")
    return HTMLResponse(page, headers=_HEADERS)


@router.get("/docs/{name}")
async def show_file(name: str) -> Response:
    """One of the page's files. Raises NotFound for any other name.

    The page's own scripts are files, because its security policy allows none within it.
    """
    if name not in _FILES:
        raise NotFound("no such file")
    content = _FILES[name].joinpath(name).read_bytes()
    headers = _HEADERS | ({"Cache-Control": "max-age=86400"} if _FILES[name] is _SWAGGER else {})
    return Response(content, headers=headers, media_type=_MEDIA_TYPES[name.rpartition(".")[2]])
