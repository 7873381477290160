"""What the API tells of itself: OpenAPI 3.1 with its failures and ways of signing in, and the page that shows it."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from verger import __version__
from verger.edges.api.door import COOKIE, OPEN
from verger.edges.api.errors import MEDIA_TYPE, Problem

_PAGE = Path(__file__).parent / "static" / "docs.html"
_DESCRIPTION = """Looks after places: their devices, their history, and the people who share the work.

Times are RFC 3339 in UTC, units UCUM codes, ids opaque strings. Lists answer `{"items", "next"}` and take `limit`,
`cursor`, `sort` and `q`. Failures answer problem+json (RFC 9457) whose `detail` says what to do. Every POST takes an
`Idempotency-Key`; every resource has a `version` and an `ETag`; PATCH (RFC 7396 merge) and DELETE honour `If-Match`."""

_TENANT = {
    "name": "Verger-Tenant",
    "in": "header",
    "required": False,
    "description": "The organisation this is about; the last used one when left out.",
    "schema": {"type": "string"},
}
_ONCE = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A fresh name for this request: repeated within 24 h, it gets the same answer and acts once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


class DocsPage(OpenAPIRenderPlugin):
    """The page that shows the API; it is part of the web UI and loads nothing from elsewhere."""

    def __init__(self) -> None:
        """Stand at the root of the docs."""
        super().__init__(path="/")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the page."""
        return _PAGE.read_bytes() if _PAGE.exists() else b"<!doctype html><p>The web UI was not built."


CONFIG = OpenAPIConfig(
    title="Verger",
    version=__version__,
    description=_DESCRIPTION,
    path="/api/docs",
    render_plugins=[DocsPage()],
    use_handler_docstrings=True,
    components=Components(
        security_schemes={
            "bearer": SecurityScheme(
                type="http", scheme="bearer", description="A session token (`vs_…`) or an API key (`vk_…`)."
            ),
            "cookie": SecurityScheme(
                type="apiKey", security_scheme_in="cookie", name=COOKIE, description="A browser's session."
            ),
        }
    ),
)


@get("/openapi.json", opt=OPEN, include_in_schema=False)
async def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return the description of the API."""
    return Response(described(request.app), media_type="application/vnd.oai.openapi+json")


@lru_cache(maxsize=1)
def described(app: Litestar) -> bytes:
    """Return the OpenAPI description of an app as JSON."""
    schema = app.openapi_schema.to_schema()
    _, components = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    schema["components"]["schemas"] |= components
    schema["components"]["responses"] = {
        "Problem": {
            "description": "It was refused; `detail` says why and what to do.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    }
    schema["security"] = [{"bearer": []}, {"cookie": []}]
    for path, method, handler in _operations(app):
        _amend(schema["paths"][path][method.lower()], method, handler)
    return msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=1)


def _operations(app: Litestar) -> list[tuple[str, str, HTTPRouteHandler]]:
    return [
        (route.path_format, method, handler)
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        for method in getattr(handler, "http_methods", [])
        if handler.resolve_include_in_schema()
    ]


def _amend(operation: dict[str, Any], method: str, handler: HTTPRouteHandler) -> None:
    operation["responses"].pop("400", None)
    operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
    parameters = operation.setdefault("parameters", [])
    if handler.opt.get("open"):
        operation["security"] = []
    else:
        parameters.append(_TENANT)
    if method == "POST":
        parameters.append(_ONCE)
