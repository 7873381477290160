"""What devices say again and again."""

import gc
import weakref

import pytest

from verger.domain.telemetry.model import Run
from verger.edges.wire.dialects import native, shapes
from verger.edges.wire.dialects.shapes import MOST_METRICS, shape_of

ODD = ["a b", 'a"b', "a\\b", "ä", "m0", "class", "__init__", "self", "0", "😀"]


@pytest.mark.parametrize("names", [("t", "h"), ("h",), *((name, "t") for name in ODD)])
def test_a_message_means_the_same_in_its_shape(names: tuple[str, ...]) -> None:
    bodies = [native_body(names, number) for number in (1, 2)]
    shape = shape_of(names)
    for some in (bodies[:1], bodies):
        read = native.run("d", some) if len(some) > 1 else native.alone("d", some[0])
        assert read is not None
        assert shape is None or (found := shape.read("d", some)) is None or same(found, read)
    assert (shape is not None and shape.read("d", bodies) is not None) or names[0] in {'a"b', "a\\b"}


def native_body(names: tuple[str, ...], number: int) -> bytes:
    inner = ",".join(f"{quoted(name)}:{number + place}.5" for place, name in enumerate(names))
    return f"{{{inner}}}".encode()


def quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def same(one: Run, other: Run) -> bool:
    return (one.device, one.metrics, [*one.values]) == (other.device, other.metrics, [*other.values])


@pytest.mark.parametrize(
    "body", [b"{}", b'{"t":1}', b'{"t":1,"h":2,"x":3}', b'{"t":1,"h":"2"}', b'{"t":1,"h":null}', b'{"t":1,"h":1e400}']
)
def test_what_says_anything_else_is_of_no_shape(body: bytes) -> None:
    shape = shape_of(("t", "h"))
    assert shape is not None
    assert shape.read("d", [body]) is None
    assert shape.read("d", [b'{"t":1,"h":2}', body]) is None


def test_all_who_say_the_same_share_one_shape_while_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    one = shape_of(("shared", "by all"))
    assert one is not None
    assert shape_of(("shared", "by all")) is one
    left = weakref.ref(one)
    del one
    gc.collect()
    assert left() is None
    monkeypatch.setattr(shapes, "MOST_SHAPES", 0)
    assert shape_of(("one too many",)) is None
    assert shape_of(tuple(f"m{number}" for number in range(MOST_METRICS + 1))) is None
