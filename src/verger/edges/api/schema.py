"""What the API tells of itself: OpenAPI 3.1 with its failures and ways of signing in, and the page that shows it."""

from functools import lru_cache
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import Method
from litestar.types.internal_types import PathParameterDefinition

from verger import __version__
from verger.edges.api.door import COOKIE, OPEN
from verger.edges.api.errors import MEDIA_TYPE, Problem
from verger.edges.api.static import BUILT, NOT_BUILT, SAFETY
from verger.edges.api.tidy import renamed, tidied

_DESCRIPTION = """Looks after places: their devices, their history, and the people who share the work.

Times are RFC 3339 in UTC, units UCUM codes, ids opaque strings. Lists answer `{"items", "next"}` and take `limit`,
`cursor`, `sort` and `q`. Failures answer problem+json (RFC 9457) whose `detail` says what to do. Every POST takes an
`Idempotency-Key`, good for 24 hours: what succeeded is answered again, what was refused may be tried again. Every
resource has a `version` and an `ETag`; PATCH (RFC 7396 merge) and DELETE honour `If-Match`."""

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


_PARTIAL = {"DeviceCredentials"}
"""Answers of which a part is left out: a device has one credential of several kinds."""


def _operation_id(handler: HTTPRouteHandler, _method: Method, _path: list[str | PathParameterDefinition]) -> str:
    """Return a name such as `api_keys.add`: the resource and what is done to it."""
    return f"{handler.fn.__module__.rpartition('.')[2]}.{handler.handler_name}"


class DocsPage(OpenAPIRenderPlugin):
    """The page that shows the API; it is part of the web UI and loads nothing from elsewhere."""

    def __init__(self) -> None:
        """Stand at the root of the docs."""
        super().__init__(path="/")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the page."""
        page = BUILT / "docs.html"
        return page.read_bytes() if page.exists() else NOT_BUILT


CONFIG = OpenAPIConfig(
    title="Verger",
    version=__version__,
    description=_DESCRIPTION,
    openapi_router=Router("/api/docs", route_handlers=[], include_in_schema=False, opt=OPEN, response_headers=SAFETY),
    render_plugins=[DocsPage()],
    use_handler_docstrings=True,
    operation_id_creator=_operation_id,
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
    _make_whole(schema)
    text = renamed(msgspec.json.encode(tidied(schema), order="sorted").decode())
    return msgspec.json.format(text, indent=1).encode()


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
    body = handler.parsed_data_field
    if body is not None and body.has_default:
        operation["requestBody"]["required"] = False


def _make_whole(schema: dict[str, Any]) -> None:
    """Say that answers always hold all of their fields; in bodies, those with a default may be left out."""
    components = schema["components"]["schemas"]
    accepted: set[str] = set()
    bodies = [each.get("requestBody") for path in schema["paths"].values() for each in path.values()]
    fresh = set(_references(bodies))
    while fresh:
        accepted |= fresh
        fresh = {name for each in fresh for name in _references(components[each])} - accepted
    for name, component in components.items():
        if name not in accepted | _PARTIAL and "properties" in component:
            component["required"] = sorted(component["properties"])


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        here = [str(node["$ref"]).rpartition("/")[2]] if "$ref" in node else []
        return here + [name for value in node.values() for name in _references(value)]
    return [name for each in node for name in _references(each)] if isinstance(node, list) else []
