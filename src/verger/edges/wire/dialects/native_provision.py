"""How a device without a credential asks for one in the native dialect, and what it is told."""

from typing import Any, get_args

from verger.base.errors import Missing, Refused, Unknown
from verger.domain.devices.joining import CredentialsType, Grant, Wish
from verger.domain.telemetry.model import Garbled
from verger.edges.wire.dialects import values

USER = "provision"
REQUEST, RESPONSE = "/provision/request", "/provision/response"

_TEXTS = {
    "key": "provisionDeviceKey",
    "secret": "provisionDeviceSecret",
    "name": "deviceName",
    "username": "username",
    "password": "password",
    "client_id": "clientId",
    "certificate": "hash",
}
_KINDS: dict[str, CredentialsType] = {kind: kind for kind in get_args(CredentialsType)}
_LONGEST = 10_000


def read(body: bytes) -> Wish:
    """Return what a device wants that has no credential yet; raise Garbled."""
    told = values.parse(body)
    if not isinstance(told, dict):
        raise Garbled("Send an object with provisionDeviceKey and provisionDeviceSecret.")
    texts = {field: _text(told, name) for field, name in _TEXTS.items()}
    if not texts["key"] or not texts["secret"]:
        raise Garbled("provisionDeviceKey and provisionDeviceSecret are needed.")
    kind = _KINDS.get(str(told.get("credentialsType") or "ACCESS_TOKEN"))
    if kind is None:
        raise Garbled(f"credentialsType is one of {', '.join(_KINDS)}.")
    return Wish(**texts, kind=kind, token=_text(told, "token") or None, gateway=told.get("gateway") is True)


def granted(grant: Grant) -> dict[str, Any]:
    """Return what a device is told that got in."""
    return {"status": "SUCCESS", "credentialsType": grant.kind, "credentialsValue": grant.value}


def refused(why: Refused) -> dict[str, Any]:
    """Return what a device is told that did not get in."""
    return {"status": "NOT_FOUND" if isinstance(why, Unknown | Missing) else "FAILURE", "errorMsg": str(why)}


def _text(told: dict[str, Any], name: str) -> str:
    text = told.get(name)
    if text is None:
        return ""
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise Garbled(f"{name} is text.")
    return text.strip() if name == "deviceName" else text
