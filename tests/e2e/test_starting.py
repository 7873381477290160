"""How the program starts, refuses to start, and ends."""

import socket
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import Serve
from tests.e2e.home import Home
from tests.e2e.serving import environment, run_out
from tests.e2e.waiting import PATIENCE_S


def test_its_ready_line_is_all_that_it_prints(home: Home) -> None:
    thing = home.add_device()
    home.tell(thing, {"temperature": 21.5})
    home.tell(thing, b"garbage")
    status, _, printed = home.server.stop()
    assert (status, printed) == (0, "")


def test_a_second_process_on_the_same_folder_is_told_so(serve: Serve) -> None:
    folder = serve().folder
    second = run_out(folder)
    assert (second.returncode, second.stdout) == (2, "")
    assert second.stderr.count("\n") == 1
    assert f"Another Verger is running on the data folder {folder}" in second.stderr


def test_a_folder_is_free_again_after_a_kill(serve: Serve) -> None:
    server = serve()
    server.kill()
    server.start()
    assert server.stop()[0] == 0


def test_a_bad_setting_is_named_with_what_to_write_instead(tmp_path: Path) -> None:
    done = run_out(tmp_path / "data", mqtt_port="door")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "VERGER_MQTT_PORT is 'door'; write a whole number from 0 to 65535.\n"


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for name in ("http_port", "mqtt_port"):
            done = run_out(tmp_path / "data", **{name: port, "log_level": "error"})
            assert (done.returncode, done.stdout) == (2, "")
            assert f"VERGER_{name.upper()} {port} on 127.0.0.1 cannot be used" in done.stderr.splitlines()[-1]


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run_out(tmp_path / "file")
    assert (done.returncode, done.stdout) == (2, "")
    assert "set VERGER_DATA to a folder that may be written" in done.stderr


def test_limits_are_changed_by_whoever_has_the_data_folder(home: Home) -> None:
    thing = home.add_device()

    def limits(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "verger", "limits", *words]
        surroundings = environment(home.server.folder)
        done = subprocess.run(
            command, env=surroundings, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        return done.returncode, done.stdout + done.stderr

    def limit(name: str) -> object:
        return next(each["value"] for each in home.get("limits")["items"] if each["name"] == name)

    assert limits()[1].endswith("Aalto  as the settings say\n")
    status, said = limits("Aalto", "messages=2:60", "connections=7")
    assert (status, said.strip().endswith("Aalto  connections=7 messages=2:60")) == (0, True)
    assert limit("connections") == 7
    answers = [home.tell(thing, {"t": 1}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["retry-after"]) <= 30
    assert limits("Nobody", "series=1") == (2, "There is no organisation Nobody; there are Aalto.\n")
    assert limits("Aalto", "series=none")[0] == 2
