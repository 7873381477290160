"""Several organisations on one server: added by whoever has the data folder, and nothing of one is another's."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner

from tests.e2e.conftest import Serve
from tests.e2e.home import EMAIL, Home, Thing
from tests.e2e.serving import environment
from tests.e2e.waiting import PATIENCE_S, until
from tests.people import PASSWORD
from verger.cli import commands

EERO = "eero@example.test"


def organisation(folder: Path, *words: str, said: str = "") -> tuple[int, str]:
    """Run the command; return its exit status, and what it said."""
    command = [sys.executable, "-m", "verger", "organisation", *words]
    surroundings = environment(folder)
    done = subprocess.run(
        command, env=surroundings, input=said, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    return done.returncode, done.stdout + done.stderr


def of(home: Home, email: str) -> httpx.Client:
    """Sign somebody in at a home's server."""
    answer = httpx.post(
        f"{home.server.address}/api/v1/auth/login", json={"email": email, "password": PASSWORD}, timeout=PATIENCE_S
    )
    assert answer.status_code in {200, 201}, answer.text
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    return httpx.Client(base_url=f"{home.server.address}/api/v1/", timeout=PATIENCE_S, headers=headers)


def names(client: httpx.Client, path: str, **headers: str) -> list[str]:
    return sorted(each["name"] for each in client.get(path, headers=headers).json()["items"])


def made(client: httpx.Client, path: str, **body: Any) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_two_organisations_live_side_by_side_and_share_nothing(home: Home, tmp_path: Path) -> None:
    folder, word = home.server.folder, tmp_path / "word"
    word.write_text(f"{PASSWORD}\n")
    status, told = organisation(
        folder, "add", "Hill", "--owner", EERO, "--timezone", "Asia/Manila", "--password-file", str(word)
    )
    assert status == 0, told
    assert told.strip().endswith(f"Hill  owned by {EERO}")
    mine = home.add_device("Sensor")
    with of(home, EERO) as eero:
        assert [each["name"] for each in eero.get("me").json()["tenants"]] == ["Hill"]
        place = made(eero, "places", name="Lake cottage", kind="cottage")
        fresh = made(eero, "devices", name="Sensor", place=place["id"], dialect="ozone", address="3C:8A:1F:A4:3E:C4")
        same = {"dialect": "ozone", "address": "3C:8A:1F:A4:3E:C4"}
        made(home.api, "devices", name="Machine", place=home.place, **same)
        theirs = made(eero, "devices", name="Probe", place=place["id"])
        probe = Thing(theirs["device"]["id"], theirs["credentials"]["access_token"])
        home.tell(mine, {"temperature": 21.5})
        home.tell(probe, {"temperature": -3})
        until(lambda: eero.get(f"devices/{probe.id}/latest").json().get("temperature", {}).get("value") == -3)
        until(lambda: home.get(f"devices/{mine.id}/latest").get("temperature", {}).get("value") == 21.5)
        assert names(eero, "devices") == ["Probe", "Sensor"]
        assert names(home.api, "devices") == ["Machine", "Sensor"]
        assert names(eero, "members") == ["eero"]
        for path in (f"devices/{mine.id}", f"devices/{mine.id}/latest", f"places/{home.place}"):
            assert eero.get(path).status_code == 404, path
        assert home.api.get(f"devices/{fresh['device']['id']}").status_code == 404
        other = home.get("me")["tenant"]["id"]
        assert eero.get("devices", headers={"Verger-Tenant": other}).status_code == 404
        assert eero.get("backups").status_code == 403  # of the whole installation: for who set it up
        home.server.kill()
        home.server.start()
        base = f"{home.server.address}/api/v1/"
        assert sorted(each["name"] for each in eero.get(f"{base}devices").json()["items"]) == ["Probe", "Sensor"]
    assert names(home.api, "devices") == ["Machine", "Sensor"]


def test_who_has_an_account_owns_a_further_organisation_with_it(home: Home) -> None:
    folder = home.server.folder
    home.add_device("Sensor")
    status, told = organisation(folder, "add", "Hill", "--owner", EMAIL.upper())
    assert (status, told.strip().endswith(f"owned by {EMAIL}, who had an account")) == (0, True)
    with of(home, EMAIL) as aino:
        hill = next(each["id"] for each in aino.get("me").json()["tenants"] if each["name"] == "Hill")
        assert names(aino, "devices", **{"Verger-Tenant": hill}) == []
        assert aino.get("me").json()["tenant"]["name"] == "Hill"  # the last used
        assert names(aino, "devices", **{"Verger-Tenant": home.get("me")["tenant"]["id"]}) == ["Sensor"]
    listed = organisation(folder, "list")[1].splitlines()
    assert [line.split("  ")[1:] for line in listed] == [
        ["Aalto", "Europe/Helsinki", "1 member"],
        ["Hill", "UTC", "1 member"],
    ]


def test_a_wrong_wish_is_told_in_one_sentence_and_makes_nothing(home: Home, serve: Serve) -> None:
    def wished(folder: Path, *words: str, said: str = f"{PASSWORD}\n") -> str:
        told = CliRunner().invoke(commands, ["organisation", *words], env=environment(folder), input=said)
        return f"{told.output} {told.exception}"

    folder = home.server.folder
    for words, said, why in (
        (("Hill", "--owner", EERO, "--timezone", "Mars/Base"), PASSWORD, "time zone"),
        (("Hill", "--owner", EERO), "short", "at least 8 characters"),
        (("Hill", "--owner", "eero"), PASSWORD, "e-mail address"),
        ((" ", "--owner", EMAIL), "", "1 to 120 characters"),
        (("Hill",), "", "--owner"),
    ):
        assert why in wished(folder, "add", *words, said=f"{said}\n")
    assert len(wished(folder, "list").splitlines()) == 2  # one organisation, and no failure after it
    assert "Set Verger up first" in wished(serve().folder, "add", "Hill", "--owner", EERO)
