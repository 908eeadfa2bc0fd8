"""/docs: Swagger UI. Its files come from a Python package, so that the browser loads nothing from another host."""

from importlib import resources

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.errors import NotFound

router = APIRouter(include_in_schema=False)

# Every link is relative, so that the page works under the path prefix of any API Gateway stage.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>EmailsMinder API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, persistAuthorization: true, tryItOutEnabled: true,
});
"""
_FILES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
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


@router.get("/docs")
async def show_docs() -> Response:
    """The HTML page."""
    return HTMLResponse(_PAGE, headers=_HEADERS)


@router.get("/docs/start.js")
async def start() -> Response:
    """The page's own script. It is a file, because the page's security policy allows no inline script."""
    return Response(_START, headers=_HEADERS, media_type="text/javascript")


@router.get("/docs/{name}")
async def show_file(name: str) -> Response:
    """One of Swagger UI's files. Raises NotFound for any other name."""
    if name not in _FILES:
        raise NotFound("no such file")
    content = resources.files("fastapi_swagger").joinpath("resources", name).read_bytes()
    return Response(content, headers=_HEADERS | {"Cache-Control": "max-age=86400"}, media_type=_FILES[name])
