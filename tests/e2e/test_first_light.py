"""From an empty folder to a live chart, as a person does it."""

import re
import shutil
import subprocess

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Serve
from tests.e2e.person import Person
from tests.e2e.waiting import PATIENCE_S, until
from tests.people import PASSWORD

pytestmark = pytest.mark.needs("chromium", "mosquitto_pub")

_PAINTED = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const painted = [];
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) painted.push(i);
  return painted;
}"""


def run_line(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line in a terminal of its own."""
    return subprocess.run(
        [str(shutil.which("sh")), "-c", line], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def painted(person: Person) -> list[int]:
    """Return which pixels of the chart are painted."""
    canvas = person.page.locator("canvas").first
    expect(canvas).to_be_visible()
    return list(canvas.evaluate(_PAINTED))


def test_a_stranger_gets_from_an_empty_folder_to_a_live_chart(browser: Browser, serve: Serve) -> None:
    server = serve()
    person = Person.at(browser, server.address)
    page = person.page

    set_up(person, server.link)
    line = page.get_by_test_id("connect-line").inner_text()
    assert line.startswith("mosquitto_pub ")
    done = run_line(line)
    assert (done.returncode, done.stderr) == (0, "")
    values = page.get_by_role("region", name="Values")
    expect(values.get_by_text("21.5").first).to_be_visible()
    before = painted(person)
    assert len(before) > 500

    assert run_line(line.replace("21.5", "24.25")).returncode == 0
    expect(values.get_by_text(re.compile(r"24\.[23]")).first).to_be_visible()
    page.get_by_text("As a table").click()
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(3)
    until(lambda: painted(person) != before)
    person.looks_around("device-speaking")

    sign_out_and_in_again(person)
    refuse_the_line_of_a_retired_device(person, line)
    person.leaves()
    assert server.stop()[0] == 0


def set_up(person: Person, link: str) -> None:
    person.opens(link, "Welcome to Verger")
    person.looks_around("setup-1-owner")
    person.fills(
        Organisation_or_household="Aalto", Your_name="Aino", Password=PASSWORD, **{"E-mail": "aino@example.test"}
    )
    person.presses("Create the account")
    person.sees("What do you look after?")
    person.looks_around("setup-2-place")
    person.fills(Name="Lake cottage")
    person.presses("Add this place")
    person.sees("Connect the first device")
    person.looks_around("setup-3-device")
    person.fills(Name="Hall sensor")
    person.presses("Add this device")
    person.sees("Hall sensor")
    expect(person.page.get_by_text("Waiting for the first value")).to_be_visible()
    person.looks_around("device-waiting")


def sign_out_and_in_again(person: Person) -> None:
    device = person.page.url
    person.opens("/settings", "Settings")
    person.presses("Sign out")
    person.sees("Welcome back")
    person.signs_in("aino@example.test", "wrong horse battery")
    expect(person.alert()).to_contain_text("password")
    person.signs_in("aino@example.test")
    person.sees(re.compile("."))
    expect(person.page.get_by_role("link", name="Lake cottage")).to_be_visible()
    person.opens(device, "Hall sensor")
    person.page.reload()
    person.sees("Hall sensor")
    expect(person.page.get_by_role("region", name="Values").get_by_text(re.compile(r"24\.[23]")).first).to_be_visible()


def refuse_the_line_of_a_retired_device(person: Person, line: str) -> None:
    person.presses("Remove device")
    person.page.get_by_role("dialog").get_by_role("button", name="Remove device").click()
    person.sees("Lake cottage")
    done = run_line(line)
    assert done.returncode != 0
    assert "not authori" in done.stderr.lower()
