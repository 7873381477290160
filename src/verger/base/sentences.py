"""The complaints of a validating library, as sentences for a person."""

import re
from collections.abc import Callable

from verger.base.plural import counted, plain

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "null": "null",
    "array": "a list",
    "object": "named values in braces, {…}",
    "datetime": "a time such as 2026-05-01T12:00:00Z",
}

_COMPLAINTS = (
    (re.compile(r"^Expected `(?P<kinds>[^`]+)`(?:, got |$)"), "This should be {kinds}."),
    (re.compile(r"^Expected `datetime` with a timezone"), "Say the time zone too, such as 2026-05-01T12:00:00Z."),
    (re.compile(r"^Expected `str` of length >= (?P<characters>\d+)"), "This needs at least {characters}."),
    (re.compile(r"^Expected `str` of length <= (?P<characters>\d+)"), "This may have at most {characters}."),
    (re.compile(r"^Expected `(?:array|object)` of length >= (?P<entries>\d+)"), "This needs at least {entries}."),
    (re.compile(r"^Expected `(?:array|object)` of length <= (?P<entries>\d+)"), "This may have at most {entries}."),
    (re.compile(r"^Expected `array` of at least length (?P<entries>\d+)"), "This needs at least {entries}."),
    (re.compile(r"^Expected `array` of at most length (?P<entries>\d+)"), "This may have at most {entries}."),
    (re.compile(r"^Expected `array` of length (?P<entries>\d+)"), "This needs exactly {entries}."),
    (re.compile(r"^Expected `(?:int|float)` >= (?P<number>\S+)"), "This should be at least {number}."),
    (re.compile(r"^Expected `(?:int|float)` <= (?P<number>\S+)"), "This should be at most {number}."),
    (re.compile(r"^Expected `(?:int|float)` > (?P<number>\S+)"), "This should be more than {number}."),
    (re.compile(r"^Expected `(?:int|float)` < (?P<number>\S+)"), "This should be less than {number}."),
    (re.compile(r"^Expected `str` matching regex '\\\\S'"), "This may not be empty."),
    (re.compile(r"^Expected `str` matching regex .*@"), "This is no e-mail address."),
    (re.compile(r"^Expected `str` matching regex .*x00"), "This may not hold the character NUL."),
    (re.compile(r"^Expected `str` matching regex .*\[0-5\]"), "This should be a time of the day such as 06:30."),
    (re.compile(r"^Expected `str` matching regex"), "This is not written as it should be."),
    (re.compile(r"^(?:Number|Integer value) out of range"), "This number is out of range."),
    (re.compile(r"^(?:Timestamp is out of range|Invalid epoch timestamp)"), "This time is out of range."),
    (re.compile(r"^Invalid enum value (?P<value>.+)"), "{value} is not one of the choices."),
    (re.compile(r"^Invalid RFC3339"), "This should be a time such as 2026-05-01T12:00:00Z."),
    (re.compile(r"^Object contains unknown field `(?P<value>[^`]+)`"), "There is no field {value}."),
    (re.compile(r"^Object missing required field"), "This is needed."),
    (re.compile(r"^Missing required"), "This is needed."),
)


def sentence(complaint: str) -> str:
    """Return a complaint as a sentence that says what to write instead."""
    complaint = complaint.split(" - at ", maxsplit=1)[0]
    for pattern, told in _COMPLAINTS:
        if found := pattern.match(complaint):
            return told.format(**{name: _READ[name](value) for name, value in found.groupdict().items()})
    return f"{complaint.rstrip('.')}."


def _kinds(text: str) -> str:
    return " or ".join(_KINDS.get(part.strip(), part.strip()) for part in text.split("|"))


_READ: dict[str, Callable[[str], str]] = {
    "kinds": _kinds,
    "value": str,
    "number": lambda text: text if text.lstrip("-").isdecimal() else plain(float(text)),
    "characters": lambda text: counted(int(text), "character"),
    "entries": lambda text: counted(int(text), "entry", "entries"),
}
