"""Bodies as forms: one reader for every family, whichever way a client writes them."""

import pytest

from verger.domain.telemetry.model import Garbled
from verger.edges.wire.families.call import Call

PART = '--{0}\r\nContent-Disposition: form-data; name="{1}"{2}\r\n\r\n{3}\r\n'


def sent(kind: str, body: bytes) -> Call:
    return Call("POST", "/", {}, {}, {"content-type": kind}, body, "127.0.0.1", None)


def parts(*named: tuple[str, str], bound: str = "b+1", end: str = "--{0}--\r\n", more: str = "") -> bytes:
    return ("".join(PART.format(bound, name, more, text) for name, text in named) + end.format(bound)).encode()


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=b+1", 'Multipart/Form-Data; boundary="b+1"; charset=x']
)
@pytest.mark.parametrize("end", ["--{0}--\r\n", "--{0}--", "--{0}--\r\nepilogue"])
def test_a_form_in_parts_is_its_fields(kind: str, end: str) -> None:
    body = parts(("mode", "BASIC"), ("note", "two\r\nlines -- and --b+"), ("empty", ""), end=end)
    assert sent(kind, body).form() == {"mode": "BASIC", "note": "two\r\nlines -- and --b+", "empty": ""}


def test_files_preambles_and_bare_names_are_read_too() -> None:
    kind = "multipart/form-data; boundary=b+1"
    body = b"preamble\r\n" + parts(("mode", "ä"), more='; filename="x; name=evil"\r\nContent-Type: text/plain')
    assert sent(kind, body).form() == {"mode": "ä"}
    assert sent(kind, parts(("mode", "BASIC")).replace(b'"mode"', b"mode")).form() == {"mode": "BASIC"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", parts(("mode", "BASIC"))),
        ("multipart/form-data; boundary=other", parts(("mode", "BASIC"))),
        ("multipart/form-data; boundary=b+1", b"mode=BASIC"),
        ("multipart/form-data; boundary=b+1", parts(("mode", "BASIC"), ("note", "cut in the mid"), end="")),
        ("multipart/form-data; boundary=b+1", b""),
        ("multipart/form-data; boundary=b+1", parts(*[("mode", "x")] * 300)),
    ],
)
def test_what_is_no_form_in_parts_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(Garbled):
        sent(kind, body).form()


def test_parts_within_parts_are_text() -> None:
    body = parts(("deep", "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n--c--"))
    assert sent("multipart/form-data; boundary=b+1", body).form()["deep"].startswith("Content-Type")
