"""TLS: which settings are refused, and how a certificate is renewed under way."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

from tests.certificates import DAY, Authority, name_in
from verger.base.certificates import fingerprint, shown
from verger.base.settings import BadSetting, Settings
from verger.base.tls import Files, Tls


def asked(**given: Any) -> Settings:
    return Settings.read({f"VERGER_{name.upper()}": str(value) for name, value in given.items()})


def test_without_an_encrypted_port_there_is_none() -> None:
    assert Tls.of(asked(tls_cert="/nowhere")) is None


@pytest.mark.parametrize("port", ["mqtt_tls_port", "http_tls_port"])
def test_a_port_without_a_certificate_is_refused(port: str) -> None:
    with pytest.raises(BadSetting, match=rf"VERGER_{port.upper()} needs VERGER_TLS_CERT, .* and VERGER_TLS_KEY"):
        Tls.of(asked(**{port: 0}))


def test_certificates_of_devices_are_not_asked_for_where_no_device_could_show_one(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="VERGER_TLS_CLIENT_CA is for devices over TLS: set VERGER_MQTT_TLS_PORT"):
        Tls.of(asked(http_tls_port=0, tls_client_ca=tmp_path / "ca.pem"))


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    authority, junk = Authority(tmp_path), tmp_path / "junk"
    cert, key = authority.sign("one")
    _, other = authority.sign("two")
    _, hidden = authority.sign("three", password=b"secret")
    junk.write_text("junk")
    for files, sentence in (
        (Files(tmp_path / "none", key), r"VERGER_TLS_CERT is '.*/none', which is no file"),
        (Files(cert, tmp_path / "none"), r"VERGER_TLS_KEY is '.*/none', which is no file"),
        (Files(cert, other), r"VERGER_TLS_KEY is not the key of VERGER_TLS_CERT"),
        (Files(cert, hidden), r"its key without a password"),
        (Files(cert), r"VERGER_TLS_CERT is '.*/one.pem' \(it cannot be understood\)"),
        (Files(junk, key), r"VERGER_TLS_CERT is '.*/junk' \(it cannot be understood\)"),
        (Files(cert, key, junk), r"VERGER_TLS_CLIENT_CA is '.*/junk' \(it cannot be understood\)"),
        (Files(cert, key, tmp_path / "none"), r"VERGER_TLS_CLIENT_CA is '.*/none' \(No such file"),
    ):
        with pytest.raises(BadSetting, match=sentence):
            Tls(files)


def test_key_and_certificate_may_lie_in_one_file(tmp_path: Path) -> None:
    cert, key = Authority(tmp_path).sign("one")
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    assert Tls(Files(both)).trouble == ""


async def test_a_certificate_that_has_ended_is_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    assert await Tls(Files(*authority.sign("fresh"))).check() == "ok"
    assert "ended on" in await Tls(Files(*authority.sign("old", lasts=-DAY))).check()


class Porter(asyncio.Protocol):
    """Tells whoever says something whose certificate it saw."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(f"{shown(self.transport)}\n".encode())


@dataclass
class Door:
    """A listener that tells each client whose certificate it saw."""

    tls: Tls
    authority: Authority
    port: int

    async def knock(
        self, by: tuple[Path, Path] | None = None, version: ssl.TLSVersion | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str, str]:
        """Connect; return the stream, the name in the door's certificate and the fingerprint that it saw."""
        context = self.authority.client(by)
        context.maximum_version = version or ssl.TLSVersion.MAXIMUM_SUPPORTED
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        writer.write(b"\n")
        seen = (await reader.readline()).decode().strip()
        return reader, writer, name_in(writer.get_extra_info("ssl_object").getpeercert(binary_form=True)), seen


@pytest_asyncio.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    authority = Authority(tmp_path)
    cert, key = authority.sign("first")
    (tmp_path / "cert").write_bytes(cert.read_bytes())
    (tmp_path / "key").write_bytes(key.read_bytes())
    tls = Tls(Files(tmp_path / "cert", tmp_path / "key", authority.path))

    server = await asyncio.get_running_loop().create_server(Porter, "127.0.0.1", 0, ssl=tls.context(asks=True))
    yield Door(tls, authority, server.sockets[0].getsockname()[1])
    server.close()


async def renew(door: Door, folder: Path, name: str) -> None:
    cert, key = door.authority.sign(name)
    (folder / "cert").write_bytes(cert.read_bytes())
    (folder / "key").write_bytes(key.read_bytes())
    await door.tls.look()


async def test_a_certificate_is_renewed_under_an_open_connection(door: Door, tmp_path: Path) -> None:
    reader, writer, name, _ = await door.knock()
    assert name == "first"
    await renew(door, tmp_path, "second")
    writer.write(b"\n")
    assert await reader.readline() == b"\n"
    _, again, name, _ = await door.knock()
    assert name == "second"
    for one in (writer, again):
        one.close()


async def test_a_broken_new_file_keeps_the_old_one_and_is_told_until_it_is_mended(door: Door, tmp_path: Path) -> None:
    (tmp_path / "cert").write_text("half a certif")
    await door.tls.look()
    assert "the one before still is. VERGER_TLS_CERT" in await door.tls.check()
    _, writer, name, _ = await door.knock()
    assert name == "first"
    writer.close()
    await renew(door, tmp_path, "mended")
    assert await door.tls.check() == "ok"
    _, writer, name, _ = await door.knock()
    assert name == "mended"
    writer.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_whoever_shows_a_certificate_is_known_by_it_also_after_a_renewal(
    door: Door, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    by = door.authority.sign("device")
    for _ in range(2):
        _, writer, _, seen = await door.knock(by, version)
        assert seen == fingerprint(by[0].read_text())
        writer.close()
        await renew(door, tmp_path, "next")


async def test_a_certificate_of_another_authority_is_no_way_in(door: Door, tmp_path: Path) -> None:
    foreign = Authority(tmp_path / "foreign", "Elsewhere").sign("device")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await door.knock(foreign, ssl.TLSVersion.TLSv1_2)


async def test_authorities_are_renewed_too(door: Door, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other", "Other authority")
    by = other.sign("device")
    door.authority.path.with_suffix(".new").write_bytes(other.path.read_bytes())
    trusted = door.authority.client(by)
    door.authority.path.with_suffix(".new").rename(door.authority.path)
    await door.tls.look()
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port, ssl=trusted)
    writer.write(b"\n")
    assert (await reader.readline()).decode().strip() == fingerprint(by[0].read_text())
    writer.close()


async def test_what_is_older_than_tls_1_2_is_not_spoken(door: Door) -> None:
    assert door.tls.context().minimum_version == ssl.TLSVersion.TLSv1_2
