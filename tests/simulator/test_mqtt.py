"""The small MQTT client, against a tiny server."""

import pytest

from tests.simulator.acceptor import Acceptor, accepting
from verger.simulator import mqtt
from verger.simulator.mqtt import V3, V5, Link, Lost, NotWelcome


@pytest.mark.parametrize("version", [V3, V5])
async def test_what_it_says_arrives_and_is_acknowledged(version: int) -> None:
    async with accepting(Acceptor()) as server:
        link = Link("127.0.0.1", server.port, "vt_one", "client", version)
        await link.open()
        assert await link.publish("v1/devices/me/telemetry", b"x" * 300) == 0
        await link.close(polite=True)
    assert server.tokens == ["vt_one"]
    assert server.heard == [("v1/devices/me/telemetry", b"x" * 300)]


@pytest.mark.parametrize(("version", "code"), [(V3, 5), (V5, 0x87)])
async def test_an_unknown_token_is_told_with_the_code(version: int, code: int) -> None:
    async with accepting(Acceptor(code)) as server:
        link = Link("127.0.0.1", server.port, "vt_wrong", "client", version)
        with pytest.raises(NotWelcome, match=f"with code {code};"):
            await link.open()
        assert not link.is_open


async def test_a_link_that_breaks_before_the_ack_says_so_and_can_be_opened_again() -> None:
    async with accepting(Acceptor(hangs_up_after=1)) as server:
        link = Link("127.0.0.1", server.port, "vt_one", "client")
        await link.open()
        await link.publish("t", b"first")
        with pytest.raises(Lost):
            await link.publish("t", b"second")
        server.left = 1
        await link.open()
        await link.publish("t", b"second")
        await link.close()
    assert [body for _, body in server.heard] == [b"first", b"second"]


async def test_no_server_is_told_with_its_address() -> None:
    async with accepting(Acceptor()) as server:
        port = server.port
    with pytest.raises(Lost, match=f"answers at 127.0.0.1:{port}"):
        await Link("127.0.0.1", port, "vt_one", "client").open()


async def test_a_quiet_link_asks_whether_the_server_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "QUIET_S", 0.01)
    async with accepting(Acceptor()) as server:
        link = Link("127.0.0.1", server.port, "vt_one", "client")
        await link.open()
        await server.asked.wait()
        assert link.is_open
        await link.close()


async def test_a_closed_link_takes_nothing() -> None:
    with pytest.raises(Lost):
        await Link("127.0.0.1", 1, "vt_one", "client").publish("t", b"")


def test_the_length_of_a_packet_takes_as_many_bytes_as_it_needs() -> None:
    assert mqtt.packet(0x30, b"x" * 127)[:2] == b"\x30\x7f"
    assert mqtt.packet(0x30, b"x" * 128)[:3] == b"\x30\x80\x01"
    assert mqtt.packet(0x30, b"x" * 16384)[:4] == b"\x30\x80\x80\x01"
