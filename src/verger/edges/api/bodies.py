"""JSON bodies: decoded strictly into the type that a route accepts, every fault told by its field."""

import re
from difflib import get_close_matches
from typing import Any

import msgspec
from litestar import Request
from msgspec import Struct, inspect
from msgspec.structs import FieldInfo

from verger.base.errors import Fault, Invalid
from verger.base.sentences import sentence
from verger.edges.api.errors import NotJson, detail_of

_JSON = re.compile(r"application/(?:[\w.-]+\+)?json\s*(?:;|$)", re.IGNORECASE)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # no database takes it within text
_PATH = re.compile(r"^(?P<said>.*?)(?: - at `(?P<path>.*)`)?$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body is what its route accepts, or refused field by field."""

    async def json(self) -> Any:
        """Return the body as the type of the route's `data`; raise NotJson, or Invalid with every fault in it."""
        if not _JSON.match(self.headers.get("content-type", "")):
            raise NotJson("Send JSON, and say so: Content-Type: application/json.")
        field = self.route_handler.parsed_data_field
        return decode(await self.body(), Any if field is None else field.annotation)


def decode(body: bytes, kind: Any) -> Any:
    """Return a JSON body as a type; raise Invalid with every fault in it."""
    if _NUL.search(body):
        raise Invalid("Text may not hold the character NUL (\\u0000).")
    try:
        return _decoded(body, kind)
    except msgspec.ValidationError as error:
        complaint = str(error)
    try:
        faults = _faults(_decoded(body, Any), kind)
    except msgspec.ValidationError:
        faults = []
    faults = faults or [_fault(complaint, "")]
    raise Invalid(detail_of(faults), faults)


def _decoded(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Invalid("The body is not well-formed JSON.") from None
    except RecursionError:
        raise Invalid("The body is nested too deeply.") from None


def _faults(heard: Any, kind: Any) -> list[Fault]:
    """Return what is wrong with each field, where the type is an object of fixed fields."""
    if not (isinstance(kind, type) and issubclass(kind, Struct) and isinstance(heard, dict)):
        return []
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    faults = [fault for name, field in fields.items() if (fault := _wrong(name, field, heard))]
    if kind.__struct_config__.forbid_unknown_fields:
        faults += [_stranger(name, list(fields)) for name in heard if name not in fields]
    return faults


def _wrong(name: str, field: FieldInfo, heard: dict[str, Any]) -> Fault | None:
    if name not in heard:
        return Fault(name, "This is needed.") if field.required else None
    try:
        msgspec.convert(heard[name], field.type)
    except msgspec.ValidationError as error:
        fault = _fault(str(error), name)
        choices = _choices(inspect.type_info(field.type)) if "enum value" in str(error) else []
        return Fault(fault.field, f"This is one of {', '.join(choices)}.") if choices else fault
    return None


def _choices(kind: inspect.Type) -> list[str]:
    match kind:
        case inspect.LiteralType(values=values):
            return [str(value) for value in values]
        case inspect.EnumType(cls=cls):
            return [str(member.value) for member in cls]
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return _choices(item)
        case inspect.UnionType(types=types):
            return [choice for each in types for choice in _choices(each)]
    return []


def _stranger(name: str, known: list[str]) -> Fault:
    near = get_close_matches(name, known, 1)
    return Fault(name, f"There is no such field; did you mean {near[0]}?" if near else "There is no such field.")


def _fault(said: str, within: str) -> Fault:
    """Return a library's complaint as a fault of the field it is about."""
    parts = _PATH.match(said)
    path = (parts["path"] or "$") if parts else "$"
    complaint = parts["said"] if parts else said
    where = within + path.removeprefix("$")
    for pattern, message in ((_MISSING, "This is needed."), (_UNKNOWN, "There is no such field.")):
        if found := pattern.search(complaint):
            return Fault(f"{where}.{found[1]}".lstrip("."), message)
    return Fault(where.lstrip("."), sentence(complaint))
