"""A person in front of a real browser."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Response, expect, sync_playwright

from tests.e2e.home import EMAIL, Home
from tests.e2e.waiting import PATIENCE_S
from tests.people import PASSWORD

ROOT = Path(__file__).parents[2]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = {"desk": 1280, "phone": 360}
_TALL = {"desk": 800, "phone": 740}
_QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# A browser itself complains when it is told, as it should be, that nobody is signed in; and that we look at a chart.
_EXPECTED = re.compile(
    r"Failed to load resource: the server responded with a status of 401|Canvas2D: Multiple readback operations"
)

expect.set_options(timeout=PATIENCE_S * 1000)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser that is installed on this machine."""
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=list(_QUIET))
        yield browser
        browser.close()


@contextmanager
def signed_in(browser: Browser, home: Home, email: str = EMAIL) -> Iterator["Person"]:
    """Sit down at the pages of a home as somebody who has signed in."""
    person = Person.at(browser, home.server.address)
    person.opens("/sign-in", "Welcome back")
    person.signs_in(email)
    expect(person.page).to_have_url("/")
    yield person
    person.leaves()


# waiting for a function would have it read again each frame, which the page's own policy forbids
_UNTIL_STILL = """async () => {
    const moving = () => document.getAnimations().some(each => each.playState === "running");
    while (moving()) await new Promise(requestAnimationFrame);
}"""


@dataclass
class Person:
    """A page and what went wrong on it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)

    @classmethod
    def at(cls, browser: Browser, address: str, width: int = WIDTHS["desk"]) -> "Person":
        """Sit down at a fresh browser."""
        context = browser.new_context(
            base_url=address, viewport={"width": width, "height": 800}, locale="en-GB", timezone_id="Europe/Helsinki"
        )
        person = cls(context.new_page())
        person.page.on("console", person._heed)
        person.page.on("pageerror", lambda error: person.complaints.append(f"{error.message}\n{error.stack}"))
        person.page.on("response", person._note)
        return person

    def _heed(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not _EXPECTED.match(message.text):
            self.complaints.append(f"{message.type}: {message.text} ({message.location})")

    def _note(self, answer: Response) -> None:
        self.answers.append(answer)

    def opens(self, path: str, title: str | re.Pattern[str] = "") -> None:
        """Open an address and see its heading."""
        self.page.goto(path)
        self.sees(title)

    def sees(self, title: str | re.Pattern[str]) -> None:
        """See a heading of the first rank."""
        expect(self.page.get_by_role("heading", level=1, name=title).first).to_be_visible()

    def fills(self, **fields: str) -> None:
        """Write into fields, by their labels; an underscore is a blank."""
        for label, text in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(text)

    def presses(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def follows(self, name: str | re.Pattern[str]) -> None:
        """Follow a link."""
        self.page.get_by_role("link", name=name).first.click()

    def signs_in(self, email: str, password: str = PASSWORD) -> None:
        """Sign in on the sign-in page."""
        self.fills(**{"E-mail": email, "Password": password})
        self.presses("Sign in")

    def alert(self) -> Locator:
        """Return what is told as an alert."""
        return self.page.get_by_role("alert")

    def tabs_to(self, name: str) -> None:
        """Move on by keyboard until what has that name has the focus, and see that one can see it."""
        seen = []
        for _ in range(60):
            self.page.keyboard.press("Tab")
            here = self.page.evaluate(_FOCUSED)
            if here["name"] == name:
                assert here["outlined"], f"nobody sees that {name} has the focus"
                return
            seen.append(here["name"])
        raise AssertionError(f"{name!r} is not reached by keyboard; there were {seen}")

    def looks_around(self, name: str) -> None:
        """See a page wide and narrow, light and dark: all within the edge, nothing that axe finds.

        Pictures of it are kept in the folder that $PICTURES names, if it does.
        """
        for size, width in WIDTHS.items():
            self.page.set_viewport_size({"width": width, "height": _TALL[size]})
            for scheme in ("light", "dark"):
                self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                self._settles()
                if folder := os.environ.get("PICTURES"):
                    self.page.screenshot(path=Path(folder) / f"{name}-{size}-{scheme}.png", full_page=True)
                beyond = self.page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                assert beyond <= 0, f"{name} scrolls sideways by {beyond} px at {width} px"
                assert not (found := self._findings()), f"{name}, {size}, {scheme}: {found}"
        self.page.set_viewport_size({"width": WIDTHS["desk"], "height": _TALL["desk"]})
        self.page.emulate_media(color_scheme="light")

    def _settles(self) -> None:
        """Wait until what is drawn is drawn."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        self.page.evaluate(_UNTIL_STILL)

    def _findings(self) -> list[Any]:
        if not self.page.evaluate("'axe' in window"):  # read where it is used: a page takes long over it
            self.page.evaluate(AXE.read_text("utf-8"))
        found = self.page.evaluate(_AXE, _RULES)
        return list(found)

    def leaves(self) -> None:
        """Close the browser window; nothing may have been complained of."""
        self.page.context.close()
        assert not self.complaints, self.complaints


_AXE = """async (rules) => {
  const { violations } = await axe.run({ runOnly: rules, resultTypes: ["violations"] });
  const told = (node) => [node.target.join(" "), node.failureSummary];
  return violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(told)]);
}"""
_FOCUSED = """() => {
  const here = document.activeElement, style = getComputedStyle(here);
  const label = here.getAttribute("aria-label") ?? here.labels?.[0]?.innerText ?? here.innerText ?? "";
  const around = here.closest("label, li");
  const outlined = [here, around].some((one) => one && getComputedStyle(one).outlineStyle !== "none")
    || getComputedStyle(here, "::after").outlineStyle !== "none" || style.boxShadow !== "none";
  return { name: label.trim().split("\\n")[0], outlined };
}"""
