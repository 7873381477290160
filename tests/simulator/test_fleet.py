"""What `verger simulate` makes of what it is given for the families."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.simulator.acceptor import Acceptor, accepting
from verger.base.errors import Invalid
from verger.simulator.command import simulate_command
from verger.simulator.fleet import FAMILIES, Wish, fleet
from verger.simulator.life import Door
from verger.simulator.mqtt import NotWelcome
from verger.simulator.plant import Pair, read_pairs
from verger.simulator.run import live_family

PAIR = '{"device_id":"d","secret":"hush-hush","sensor_ids":{"soil_moisture":"s"},"actuator_ids":{"pump":"p"}}'
PAIRS = [Pair("d", "hush-hush", {"soil_moisture": "s"}, {"pump": "p"})] * 4


@pytest.mark.parametrize(("dialect", "firmware"), [(name, each) for name, some in FAMILIES.items() for each in some])
def test_every_generation_of_every_family_can_be_made(dialect: str, firmware: str) -> None:
    lives = fleet(dialect, Door(), Wish(devices=4, firmware=firmware, pairs=PAIRS))
    assert len(lives) == {"outlet": 1, "farm": 4 if firmware == "board" else 2}.get(dialect, 4)


def test_three_devices_live_where_nobody_says_how_many() -> None:
    assert len(fleet("cottage", Door(), Wish())) == 3
    assert len(fleet("plant", Door(), Wish(pairs=PAIRS))) == 4


@pytest.mark.parametrize(
    ("dialect", "wish", "sentence"),
    [
        ("plant", Wish(), "0 Pis need as many pairs, and 0 are given: add devices of the dialect plant"),
        ("plant", Wish(devices=5, pairs=PAIRS), "5 Pis need as many pairs, and 4 are given"),
        ("cottage", Wish(devices=0), "Between 1 and 10000"),
        ("cottage", Wish(every_s=0.01), "every 0.05 to 86400 seconds, not every 0.01"),
        ("ozone", Wish(firmware="v9"), "ozone devices have no firmware v9; choose one of mqtt, form, successor"),
    ],
)
def test_what_cannot_be_is_told(dialect: str, wish: Wish, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        fleet(dialect, Door(), wish)


@pytest.mark.parametrize("text", [PAIR, f'{{"credentials":{PAIR},"device":{{}}}}', f"[{PAIR}]", f"{PAIR}\n\n"])
def test_pairs_are_read_as_verger_shows_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "pairs").write_text(text)
    assert read_pairs(tmp_path / "pairs") == PAIRS[:1]


def test_pairs_are_read_from_the_settings_of_the_client_as_well(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(PAIR.replace('"secret"', '"device_secret"'))
    assert read_pairs(tmp_path / "f.json") == PAIRS[:1]


@pytest.mark.parametrize("text", ["nonsense", "{}", "[1]", '{"device_id":"d"}'])
def test_pairs_that_make_no_sense_are_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "pairs").write_text(text)
    with pytest.raises(Invalid, match=r"not what a Pi needs\. Write one a line as Verger shows it"):
        read_pairs(tmp_path / "pairs")


def test_a_file_of_pairs_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        read_pairs(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--dialect", "plant"], "write what Verger shows when one is added, one a line, to a file for --pairs"),
        (["--dialect", "cottage", "--token", "vt_1"], "Leave out --token: cottage devices have no use for it"),
        (["--key", "ve_1"], "Leave out --key: native devices have no use for it"),
        (["--dialect", "farm", "--faults", "fire"], "no fault called fire"),
        ([], "0 devices need as many access tokens"),
    ],
)
def test_what_is_missing_or_of_no_use_is_told_in_a_sentence(arguments: Sequence[str], sentence: str) -> None:
    refused = CliRunner().invoke(simulate_command, arguments).exception
    assert isinstance(refused, Invalid)
    assert sentence in str(refused)


async def test_it_ends_with_what_to_do_once_every_device_was_refused() -> None:
    async with accepting(Acceptor(code=5)) as server:
        lives = fleet("cottage", Door(port=server.port, key="ve_1"), Wish(devices=1, every_s=0.05))
        with pytest.raises(NotWelcome, match=r"make an enrolment for cottage .* give its key with --key"):
            await live_family("cottage", lives)
    assert server.tokens == ["ve_1"]
