"""Where requests come from."""

import pytest

from verger.base.proxies import Proxies

HOST = (b"host", b"verger.example")
TRUSTED = Proxies(["10.0.0.0/8", "::1/128"])


def said(**headers: str) -> list[tuple[bytes, bytes]]:
    return [HOST, *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())]


def test_nobody_is_believed_unless_named() -> None:
    whence = Proxies().whence("10.0.0.1", "http", said(x_forwarded_for="127.0.0.1", x_forwarded_proto="https"))
    assert (whence.address, whence.scheme, whence.host) == ("10.0.0.1", "http", "verger.example")
    assert whence.forwarded


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("1.1.1.1, 198.51.100.7", "198.51.100.7"),
        ("1.1.1.1, 198.51.100.7, 10.3.3.3", "198.51.100.7"),
        ("10.1.1.1, 10.2.2.2", "10.0.0.1"),
        ("unknown", "10.0.0.1"),
        ("", "10.0.0.1"),
        ("2001:db8::7", "2001:db8::7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
    ],
)
def test_the_last_hop_that_is_no_proxy_of_ours_is_the_caller(chain: str, address: str) -> None:
    assert TRUSTED.whence("10.0.0.1", "http", said(x_forwarded_for=chain)).address == address


def test_a_trusted_proxy_tells_scheme_and_host() -> None:
    whence = TRUSTED.whence("::1", "http", said(x_forwarded_proto="https", x_forwarded_host="farm.example"))
    assert (whence.scheme, whence.host) == ("https", "farm.example")
    assert TRUSTED.whence("10.0.0.1", "http", said(x_forwarded_proto="gopher")).scheme == "http"


@pytest.mark.parametrize(
    ("peer", "loopback"), [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("", False)]
)
def test_loopback_is_this_machine(peer: str, loopback: bool) -> None:  # noqa: FBT001  a table's column
    assert Proxies().whence(peer, "http", [HOST]).is_loopback is loopback


@pytest.mark.parametrize("header", ["forwarded", "x_forwarded_for", "x_forwarded_host", "x_real_ip", "via"])
def test_what_was_forwarded_is_not_from_this_machine(header: str) -> None:
    for proxies in (Proxies(), Proxies(["127.0.0.0/8"])):
        assert not proxies.whence("127.0.0.1", "http", said(**{header: "127.0.0.1"})).is_loopback
