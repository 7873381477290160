"""JSON bodies: decoded strictly into the type that a route accepts, every fault told by its field."""

import re
from difflib import get_close_matches
from itertools import islice
from typing import Any

import msgspec
from litestar import Request
from msgspec import Struct, inspect
from msgspec.structs import FieldInfo

from verger.base.errors import Fault, Invalid
from verger.base.sentences import sentence
from verger.edges.api.choices import Step, choices, fields, one_of, steps
from verger.edges.api.choices import within as types_within
from verger.edges.api.errors import NotJson, detail_of

_JSON = re.compile(r"application/(?:[\w.-]+\+)?json\s*(?:;|$)", re.IGNORECASE)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # no database takes it within text
_PATH = re.compile(r"^(?P<said>.*?)(?: - at `(?P<path>.*)`)?$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_NEEDED = "This is needed."
_MOST_TRIED = 100  # names of which the wrong one is looked for, since each takes as long as the whole body


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
        heard = _decoded(body, Any)
    except msgspec.ValidationError:
        heard = None
    faults = _faults(heard, kind) or [_fault(complaint, "", heard, kind)]
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
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    faults = [fault for name, field in known.items() if (fault := _wrong(name, field, heard))]
    if kind.__struct_config__.forbid_unknown_fields:
        faults += [_stranger(name, name, list(known)) for name in heard if name not in known]
    return faults


def _wrong(name: str, field: FieldInfo, heard: dict[str, Any]) -> Fault | None:
    if name not in heard:
        return Fault(name, _NEEDED) if field.required else None
    try:
        msgspec.convert(heard[name], field.type)
    except msgspec.ValidationError as error:
        return _fault(str(error), name, heard[name], field.type)
    return None


def _stranger(where: str, name: str, known: list[str]) -> Fault:
    near = get_close_matches(name, known, 1)
    return Fault(where, f"There is no such field; did you mean {near[0]}?" if near else "There is no such field.")


def _fault(said: str, within: str, heard: Any, kind: Any) -> Fault:
    """Return a library's complaint about a value, meant as a type, as a fault of the field it is about."""
    parts = _PATH.match(said)
    complaint, path = (parts["said"], parts["path"] or "") if parts else (said, "")
    way = _named(said, steps(path), heard, kind)
    where = within + "".join(f"[{step}]" if isinstance(step, int) else f".{step or '…'}" for step in way)
    there = types_within(inspect.type_info(kind), way)
    if found := _MISSING.search(complaint):
        return Fault(f"{where}.{found[1]}".lstrip("."), _NEEDED)
    if found := _UNKNOWN.search(complaint):
        return _stranger(f"{where}.{found[1]}".lstrip("."), found[1], fields(there))
    few = choices(there) if "enum value" in complaint else []
    return Fault(where.lstrip("."), one_of(few) if few else sentence(complaint))


def _named(said: str, way: list[Step], heard: Any, kind: Any) -> list[Step]:
    """Return a way with each name put in that a library leaves out: the one whose value alone it complains of, too."""
    for at, step in enumerate(way):
        entries = _dug(heard, way[:at]) if step is None else None
        if not isinstance(entries, dict):
            continue
        for name in islice(entries, _MOST_TRIED):
            if _complaint(_put(heard, way[:at], {name: entries[name]}), kind) == said:
                way = [*way[:at], name, *way[at + 1 :]]
                break
    return way


def _complaint(heard: Any, kind: Any) -> str:
    try:
        msgspec.convert(heard, kind)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def _dug(heard: Any, way: list[Step]) -> Any:
    """Return what stands at the end of a way, None where it leads nowhere."""
    for step in way:
        try:
            heard = heard[step]
        except (KeyError, IndexError, TypeError):
            return None
    return heard


def _put(heard: Any, way: list[Step], value: Any) -> Any:
    """Return a value with another one at the end of a way that is there."""
    if not way:
        return value
    step, *rest = way
    inner = _put(heard[step], rest, value)
    if isinstance(heard, dict):
        return heard | {step: inner}
    return [inner if at == step else each for at, each in enumerate(heard)]
