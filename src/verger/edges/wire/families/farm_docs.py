"""What a farm's server answers to, as a list for people and as a description for programs (Swagger 2.0)."""

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from verger.edges.wire.families.call import Call, Reply, Route, compact
from verger.edges.wire.families.desk import Desk

PAGE, SPEC = "/docs/", "/apispec.json"
VERSION = "1.0.0"
_TITLE = "IoT Smart Farm API"
_NAME = re.compile(r"\{(\w+)\}")
_OPEN = frozenset({"/", "/health", PAGE, SPEC, "/api/auth/login", "/auth/login"})
_STYLE = "body{font:1rem/1.5 system-ui;margin:2rem;max-width:60rem;color-scheme:light dark}td{padding-right:1rem}"
_POLICY = b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def described(routes: Sequence[Route], base: str) -> dict[str, Any]:
    """Return what some routes answer to, below a path."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {}).setdefault(route.method.lower(), _operation(route))
    return {
        "swagger": "2.0",
        "info": {"title": _TITLE, "version": VERSION},
        "basePath": base or "/",
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"Bearer": {"type": "apiKey", "name": "Authorization", "in": "header"}},
        "paths": paths,
    }


def _operation(route: Route) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "type": "string"} for name in _NAME.findall(route.path)
    ]
    if route.method in {"POST", "PUT"}:
        parameters.append({"name": "body", "in": "body", "schema": {"type": "object"}})
    tag = next((part for part in route.path.split("/") if part not in {"", "api"}), "farm")
    operation: dict[str, Any] = {"summary": _summary(route), "tags": [tag], "parameters": parameters}
    operation |= {"responses": {"default": {"description": "An answer, or `error` with a sentence."}}}
    return operation | ({} if route.path in _OPEN else {"security": [{"Bearer": []}]})


def _summary(route: Route) -> str:
    return (route.handler.__doc__ or "").partition("\n")[0].rstrip(".")


def routes(told: Sequence[Route]) -> list[Route]:
    """Return the routes that describe some others and themselves."""

    async def spec(_desk: Desk, call: Call) -> Reply:
        """Describe what this answers to, for programs."""
        return compact(described(every, call.base))

    async def page(_desk: Desk, call: Call) -> Reply:
        """List what this answers to, for people."""
        rows = "".join(
            f"<tr><td>{each.method}</td><td><code>{escape(each.path)}</code></td><td>{escape(_summary(each))}</td></tr>"
            for each in every
        )
        head = f"<title>{_TITLE}</title><meta name=viewport content='width=device-width'><style>{_STYLE}</style>"
        spec = f"<p>For programs: <a href='{escape(call.base + SPEC)}'>apispec.json</a> (Swagger 2.0).</p>"
        table = f"<table><tr><th>Method<th>Path<th>What</tr>{rows}</table>"
        body = f"<!doctype html><html lang=en><meta charset=utf-8>{head}<h1>{_TITLE}</h1>{spec}{table}</html>"
        return Reply(200, body.encode(), b"text/html; charset=utf-8", {b"content-security-policy": _POLICY})

    every = [*told, Route("GET", PAGE, page, strangers=False), Route("GET", SPEC, spec, strangers=False)]
    return every
