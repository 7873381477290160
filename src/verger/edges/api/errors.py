"""Failures as the API tells them: problem+json (RFC 9457), its detail a sentence that says what to do."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.typing import FieldDefinition
from msgspec import Struct, inspect

from verger.base.errors import (
    Busy,
    Conflict,
    Fault,
    Forbidden,
    Invalid,
    Missing,
    Refused,
    Stale,
    TooLarge,
    TooMany,
    Unknown,
)
from verger.base.secrets import masked
from verger.base.sentences import sentence
from verger.edges.api.choices import choices, one_of, within

log = structlog.get_logger()

_LACKING = re.compile(r"Missing required \w+ parameter '([^']*)'")

MEDIA_TYPE = "application/problem+json"


class NotJson(Refused):
    """What was sent is not JSON, or does not say that it is."""


STATUS: dict[type[Refused], int] = {
    Unknown: 401,
    Forbidden: 403,
    Missing: 404,
    Conflict: 409,
    Stale: 412,
    TooLarge: 413,
    NotJson: 415,
    Invalid: 422,
    TooMany: 429,
    Busy: 503,
    Refused: 422,
}

_SENTENCES = {
    400: "This request cannot be understood; the API is described at /api/docs.",
    404: "There is nothing at this address; the API is described at /api/docs.",
    405: "This address does not take {method}; it takes {allow}.",
    413: "What was sent is larger than the limit; send less at a time.",
}


class Problem(Struct, frozen=True):
    """What went wrong: `detail` is a sentence for a person, `errors` what is wrong by field."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[Fault, ...] = ()


def status_of(refused: Refused) -> int:
    """Return the HTTP status that tells a failure."""
    return next(STATUS[kind] for kind in type(refused).__mro__ if kind in STATUS)


def problem(
    status: int, detail: str, faults: Iterable[Fault] = (), headers: Mapping[str, str] | None = None
) -> Response[Problem]:
    """Return the answer that tells a failure."""
    if status == HTTPStatus.UNAUTHORIZED:
        headers = {"WWW-Authenticate": "Bearer"} | dict(headers or {})
    told = Problem("about:blank", HTTPStatus(status).phrase, status, detail, tuple(faults))
    return Response(told, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def tell_refused(_request: Request[Any, Any, Any], refused: Refused) -> Response[Problem]:
    """Tell an expected failure."""
    headers = {"Retry-After": str(refused.retry_s)} if isinstance(refused, Busy) else None
    return problem(status_of(refused), str(refused), refused.faults, headers)


def tell_http(request: Request[Any, Any, Any], failure: HTTPException) -> Response[Problem]:
    """Tell what the framework refused: no such route, no such method, parameters that do not fit."""
    if faults := _faults(request, failure):
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail_of(faults), faults)
    if failure.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return tell_unexpected(request, failure)
    headers = {name.title(): value for name, value in (failure.headers or {}).items()}
    sentence = _SENTENCES.get(failure.status_code, _SENTENCES[400])
    detail = sentence.format(method=request.scope["method"], allow=headers.get("Allow", "other methods"))
    return problem(failure.status_code, detail, headers=headers)


def tell_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Log what nobody expected, and tell the caller nothing of it."""
    log.error("request failed", method=request.scope["method"], path=masked(request.scope["path"]), exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here; it was logged. Try again later.")


def detail_of(faults: Iterable[Fault]) -> str:
    """Return faults by field as one text."""
    return " ".join(f"{fault.field}: {fault.message}" if fault.field else fault.message for fault in faults)


def _faults(request: Request[Any, Any, Any], failure: HTTPException) -> list[Fault]:
    if isinstance(failure.extra, list):
        known = _parameters(request)
        return [_fault(each, known) for each in failure.extra if isinstance(each, dict)]
    lacking = _LACKING.match(failure.detail)
    return [Fault(lacking[1], "This is needed.")] if lacking else []


def _parameters(request: Request[Any, Any, Any]) -> dict[str, FieldDefinition]:
    """Return what a route is given, by the names that its code has for it."""
    handler = request.route_handler
    given = (each.parsed_fn_signature for each in handler.resolve_dependencies().values())
    signatures = (handler.parsed_fn_signature, *given)
    return {name: field for each in signatures for name, field in each.parameters.items()}


def _fault(wrong: Mapping[str, Any], known: Mapping[str, FieldDefinition]) -> Fault:
    name, said = str(wrong.get("key", "")), str(wrong.get("message", ""))
    if name == "data":
        return Fault("", "This needs named values in braces, {…}, as its body.")
    if (field := known.get(name)) is None:
        return Fault(name, sentence(said))
    few = choices(within(inspect.type_info(field.annotation), [])) if "enum value" in said else []
    return Fault(getattr(field.kwarg_definition, "name", None) or name, one_of(few) if few else sentence(said))
