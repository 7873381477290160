"""What a gateway says in the native dialect, of devices behind it that it knows by name."""

from collections.abc import Callable
from typing import Any

import msgspec

from verger.base.errors import Fault
from verger.domain.telemetry.model import Ack, Behind, Claim, Garbled, Readings, Relayed, Said
from verger.edges.wire.dialects import values
from verger.edges.wire.dialects.native_said import Stamped, entries, several
from verger.edges.wire.dialects.native_words import BEHIND, AskedBehind, Meaning, Unclear

_LONGEST_MS = 1 << 52
_LONGEST_NUMBER = 18
_MANY = msgspec.json.Decoder(dict[str, list[Stamped]])
_NAME = "Name the device: 1 to 200 printable characters."


def read(gateway: str, word: str, body: bytes) -> Meaning:
    """Return what a gateway means by a message to `v1/gateway/{word}`; raise Garbled."""
    reader = _READERS.get(word)
    if reader is None:
        raise Garbled(f"Nothing is heard at the topic v1/gateway/{word[:200]}.")
    return reader(gateway, body)


def telemetry(gateway: str, body: bytes) -> Relayed:
    """Read telemetry of several devices, {name: [{ts, values}, …]}, in one pass."""
    try:
        told = _MANY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _each(gateway, body, entries)
    if not all(_is_name(name) and all(map(_is_plain, some)) for name, some in told.items()):
        return _each(gateway, body, entries)
    parts = [Behind(name, tuple([Readings(one.values, one.ts * 1000) for one in some])) for name, some in told.items()]
    return Relayed(gateway, (), behind=tuple(parts))


def attributes(gateway: str, body: bytes) -> Relayed:
    """Read what several devices report about themselves, {name: {k: v}}."""
    return _each(gateway, body, _attributes)


def claim(gateway: str, body: bytes) -> Relayed:
    """Read which devices may be claimed, {name: {secretKey, durationMs}}."""
    told = _object(body)
    names = [_named(name) for name in told]
    return Relayed(gateway, (), behind=tuple(map(Behind, names)), claims=tuple(map(claimed, names, told.values())))


def connect(gateway: str, body: bytes) -> Relayed:
    """Read that a device behind has come, {device, type}."""
    told = _object(body)
    kind = told.get("type")
    if kind is not None and not isinstance(kind, str):
        raise Garbled("The type of a device is text.")
    return Relayed(gateway, (), behind=(Behind(_named(told.get("device")), kind=kind),))


def disconnect(gateway: str, body: bytes) -> Relayed:
    """Read that a device behind has gone, {device}."""
    return Relayed(gateway, (), behind=(Behind(_named(_object(body).get("device")), gone=True),))


def asked(_gateway: str, body: bytes) -> AskedBehind:
    """Read a wish for attributes: {id, device, client: bool, key | keys}, or {id, device, client: [], shared: []}.

    Raise Unclear, which is answered with the `id` and `device` of the wish as far as it has them.
    """
    about: dict[str, Any] = {}
    try:
        told = _object(body)
        about = {key: told[key] for key in ("id", "device") if key in told and values.is_sound(told[key])}
        return _wish(told, about.get("id"))
    except Garbled as garbled:
        raise Unclear(garbled, BEHIND, about) from None


def _wish(told: dict[str, Any], number: Any) -> AskedBehind:
    name = _named(told.get("device"))
    if number is None and told.get("id") is not None:
        raise Garbled("An id is a number or text.", (Fault("id", "Send a number or text."),))
    client, shared = told.get("client"), told.get("shared")
    if isinstance(client, list) or isinstance(shared, list):
        return AskedBehind(number, name, _names(client or []), _names(shared or []), apart=True)
    single = "key" in told
    names = _names([told["key"]] if single else told.get("keys"))
    return AskedBehind(number, name, names if client else (), () if client else names, single=single)


def replied(gateway: str, body: bytes) -> Relayed:
    """Read the answer of a device behind to a command, {device, id, data}."""
    told = _object(body)
    ack = answered(str(told.get("id", "")), told.get("data"))
    return Relayed(gateway, (), behind=(Behind(_named(told.get("device")), (ack,)),))


def answered(number: str, result: Any) -> Ack:
    """Return the answer to the command of a number."""
    if not number.isdecimal() or len(number) > _LONGEST_NUMBER:
        raise Garbled("An answer names the number that its command came with.")
    if not values.is_sound(result):
        raise Garbled(values.UNSOUND)
    return Ack(int(number), "answer", answered=True, result=result)


def claimed(name: str, told: Any) -> Claim:
    """Read under which secret, and for how long, a device may be claimed."""
    if not isinstance(told, dict):
        raise Garbled("A claim is an object with secretKey, durationMs or both.")
    secret, lasts = told.get("secretKey") or "", told.get("durationMs")
    if not isinstance(secret, str):
        raise Garbled("A secretKey is text.")
    if lasts is not None and (isinstance(lasts, bool) or not isinstance(lasts, int) or not 0 < lasts <= _LONGEST_MS):
        raise Garbled("durationMs is a whole number of milliseconds above 0.")
    return Claim(name, secret, lasts)


def _each(gateway: str, body: bytes, take: Callable[[Any, list[Fault]], list[Said]]) -> Relayed:
    """Read a message of several devices; what is wrong with one of them refuses only that part."""
    faults: list[Fault] = []
    parts: list[Behind] = []
    for name, said in _object(body).items():
        own: list[Fault] = []
        try:
            parts.append(Behind(_named(name), tuple(take(said, own))))
        except Garbled as garbled:
            own.append(Fault("", str(garbled)))
        faults += [Fault(f"{name[:200]}.{fault.field}".rstrip("."), fault.message) for fault in own]
    return Relayed(gateway, (), several(faults), behind=tuple(part for part in parts if part.said))


def _attributes(told: Any, faults: list[Fault]) -> list[Said]:
    if not isinstance(told, dict):
        raise Garbled("Attributes are an object of names and values.")
    return list(values.attributes(told, faults))


def _object(body: bytes) -> dict[str, Any]:
    told = values.parse(body)
    if not isinstance(told, dict):
        raise Garbled("A gateway sends an object; see the page of the native protocol.")
    return told


def _names(told: Any) -> tuple[str, ...]:
    if not isinstance(told, list) or not all(isinstance(name, str) for name in told):
        raise Garbled("Name the attributes as a list of text in keys, or one as key.")
    return tuple(told)


def _named(name: Any) -> str:
    if not isinstance(name, str) or not _is_name(name):
        raise Garbled(_NAME, (Fault("device", _NAME),))
    return name


def _is_name(name: str) -> bool:
    return 0 < len(name) <= 200 and name.isprintable() and bool(name.strip())


def _is_plain(one: Stamped) -> bool:
    return bool(one.values) and "".join(one.values).isprintable()


_READERS: dict[str, Callable[[str, bytes], Meaning]] = {
    "telemetry": telemetry,
    "attributes": attributes,
    "connect": connect,
    "disconnect": disconnect,
    "attributes/request": asked,
    "rpc": replied,
    "claim": claim,
}
