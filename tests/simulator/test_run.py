"""What `verger simulate` makes of what it is given."""

from pathlib import Path

import pytest

from tests.simulator.acceptor import Acceptor, accepting
from verger.base.errors import Invalid
from verger.simulator.device import Character
from verger.simulator.kinds import KINDS
from verger.simulator.mqtt import NotWelcome
from verger.simulator.run import Server, characters, live, read_tokens, simulate


def test_tokens_come_from_options_and_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("# kitchen\nvt_two plant\n\nvt_three  # spare\n")
    assert read_tokens(tmp_path / "tokens", ["vt_one"]) == ["vt_one", "vt_two plant", "vt_three"]
    assert read_tokens(None, ["vt_one"]) == ["vt_one"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="write one access token a line"):
        read_tokens(tmp_path / "nothing")


def test_devices_take_kinds_in_turn_unless_one_is_named() -> None:
    tokens = [f"vt_{n}" for n in range(5)]
    assert [one.kind for one in characters(tokens, None, 10, None, 1)] == list(KINDS)
    assert {one.kind for one in characters(tokens, None, 10, "farm", 1)} == {"farm"}
    assert characters(["vt_1 plant"], None, 10, "farm", 1)[0].kind == "plant"


def test_the_same_seed_makes_the_same_devices() -> None:
    assert characters(["vt_1"], 1, 10, None, 7) == characters(["vt_1"], 1, 10, None, 7)
    assert characters(["vt_1"], 1, 10, None, 7) != characters(["vt_1"], 1, 10, None, 8)


@pytest.mark.parametrize(
    ("devices", "every_s", "kind", "sentence"),
    [
        (3, 10, None, "3 devices need as many access tokens, and 2 are given"),
        (0, 10, None, "0 devices need"),
        (2, 0.01, None, "every 0.05 to 86400 seconds, not every 0.01"),
        (2, 10, "toaster", "no kind of device called toaster"),
    ],
)
def test_what_cannot_be_is_told(devices: int, every_s: float, kind: str | None, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        characters(["vt_1", "vt_2"], devices, every_s, kind, 1)


def test_a_dialect_that_nobody_speaks_is_told() -> None:
    with pytest.raises(Invalid, match="No simulated device speaks klingon; choose one of native"):
        simulate("klingon", Server(), ["vt_1"])


async def test_a_version_of_mqtt_that_nobody_speaks_is_told() -> None:
    with pytest.raises(Invalid, match=r"version 3\.1\.1 or 5, not 4"):
        await live([Character("vt_1", "plant", 1)], Server(mqtt="4"))


async def test_it_ends_once_every_device_was_refused() -> None:
    async with accepting(Acceptor(code=5)) as server:
        fleet = characters(["vt_1", "vt_2"], None, 0.05, None, 1)
        with pytest.raises(NotWelcome, match="code 5"):
            await live(fleet, Server(port=server.port))
    assert sorted(server.tokens) == ["vt_1", "vt_2"]
