"""dev.py says what it can do, and the lock binds nobody to one machine."""

import inspect

import pytest

import dev


def test_alone_it_lists_every_command_with_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines] == ["run", "test", "check", "fmt", "e2e", "bench", "demo", "lock"]
    assert all(str(inspect.getdoc(dev.COMMANDS[line.split()[2]])) in line for line in lines)


def test_an_unknown_command_lists_them_and_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(["chekc"]) == 2
    assert "python3 dev.py check" in capsys.readouterr().out


def test_what_stops_it_is_told_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    def stop(_arguments: object) -> int:
        raise dev.Stopped("No disk.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(dev.COMMANDS, "run", stop)
        assert dev.main(["run"]) == 1
    assert capsys.readouterr().err == "No disk.\n"


def test_the_lock_names_no_address_and_has_a_hash_for_each_package() -> None:
    text = dev.LOCK.read_text("utf-8")
    assert not [word for word in dev.ADDRESSES if word in text]
    packages = [line for line in text.splitlines() if line[:1].isalnum()]
    assert packages
    assert all(line.endswith(" \\") for line in packages)


def test_the_web_lock_names_no_address_of_a_package() -> None:
    assert '"resolved"' not in (dev.ROOT / "web" / "package-lock.json").read_text("utf-8")
