"""Reading blueprints: they lie beside the code, one YAML file each."""

from importlib.resources import files
from typing import TypeVar

import msgspec

B = TypeVar("B")
NAMES = ("cottage", "ozone", "plant", "outlet", "farm")


def read(name: str, kind: type[B]) -> B:
    """Return a blueprint as a type that says all that may stand in one; raise ValueError, which says where it errs."""
    return parse((files("verger.blueprints") / f"{name}.yaml").read_bytes(), kind, f"{name}.yaml")


def parse(text: bytes, kind: type[B], where: str) -> B:
    """Return what a text says; `where` is what the text is called."""
    try:
        return msgspec.yaml.decode(text, type=kind)
    except msgspec.MsgspecError as wrong:
        raise ValueError(f"{where}: {wrong}") from wrong
