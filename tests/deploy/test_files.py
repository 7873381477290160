"""What is in deploy/ fits the program: settings that exist, files that are there, a unit that systemd takes."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from verger.base.settings import Settings, strangers

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
_SETTING = re.compile(r"\bVERGER_[A-Z_]+[A-Z]\b")


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, each with what follows it on one line."""
    text = re.sub(r"^\s*#.*\n", "", (DEPLOY / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines if line.strip()]


def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["verger"]


@pytest.mark.parametrize("name", sorted(path.name for path in DEPLOY.iterdir()))
def test_every_setting_that_is_named_exists(name: str) -> None:
    named = dict.fromkeys(_SETTING.findall((DEPLOY / name).read_text("utf-8")), "")
    assert strangers(named) == []


def test_the_image_takes_what_is_there_and_what_its_wheel_needs() -> None:
    taken = {
        source
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert all((ROOT / source).exists() for source in taken)
    assert {"src", "web", "build_web.py", "pyproject.toml", "requirements.lock", "README.md", "LICENSE"} <= taken


def test_the_image_runs_as_nobody_in_particular_and_is_looked_after() -> None:
    words = dict(instructions())
    assert words["USER"] == "verger"
    assert words["VOLUME"] == "/data"
    assert "/health" in words["HEALTHCHECK"]
    assert (words["ENTRYPOINT"], words["CMD"]) == ('["/opt/verger/bin/verger"]', '["serve"]')
    surroundings = dict(pair.split("=") for pair in words["ENV"].split())
    settings = Settings.read({name: text for name, text in surroundings.items() if name.startswith("VERGER_")})
    assert (settings.data, settings.http_host, settings.mqtt_host) == (Path("/data"), "0.0.0.0", "0.0.0.0")  # noqa: S104


def test_the_lock_without_its_hashes_names_every_version() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    [script] = re.findall(r"sed -E -e '(s/ \*--hash[^']+)' -e '([^']+)'", (DEPLOY / "Dockerfile").read_text("utf-8"))
    sed = shutil.which("sed")
    assert sed is not None
    done = subprocess.run(
        [sed, "-E", "-e", script[0], "-e", script[1]], input=lock, capture_output=True, text=True, check=True
    )
    lines = [line for line in done.stdout.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) > 20
    assert all(re.fullmatch(r"[\w.\[\]-]+==[\w.!+]+( ;.*)?", line.strip()) for line in lines), lines[:3]


def test_compose_runs_the_image_with_a_volume_of_its_own_and_time_to_stop() -> None:
    service = compose()
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert service["volumes"] == ["verger-data:/data"]
    assert service["stop_grace_period"] == "30s"
    exposed = dict(instructions())["EXPOSE"].split()
    assert [port.split(":")[1] for port in service["ports"]] == exposed
    assert [str(Settings().http_port), str(Settings().mqtt_port)] == exposed
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])


@pytest.mark.needs("systemd-analyze")
def test_the_unit_is_one_that_systemd_takes_and_that_gives_little_away(tmp_path: Path) -> None:
    unit = tmp_path / "verger.service"
    program = str(shutil.which("true"))
    text = (DEPLOY / "verger.service").read_text("utf-8").replace("/opt/verger/bin/verger", program)
    unit.write_text(text, "utf-8")
    for words in (("verify",), ("security", "--offline=true", "--threshold=15")):
        command = [str(shutil.which("systemd-analyze")), *words, str(unit)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "Restart=always" in text
    assert "StateDirectory=verger" in text
