"""The four rings hold, and the checker that says so would see it if they did not."""

from pathlib import Path

import pytest

from tests.house.rules import breaches

ROOT = Path(__file__).parent.parent

SOUND = {
    "__init__.py": '__version__ = "1"',
    "cli.py": "from verger.app import serve",
    "app.py": "from verger import __version__\nfrom verger.edges.api import routes\nfrom verger.flows import inbound",
    "base/__init__.py": "",
    "base/settings.py": "import os\nprint(os.environ)",
    "base/clock.py": "from verger.base.settings import x",
    "domain/__init__.py": "",
    "domain/places/__init__.py": "",
    "domain/places/model.py": "from verger.base import clock",
    "domain/places/store.py": "from verger.domain.places.model import Place",
    "domain/devices/__init__.py": "",
    "domain/devices/model.py": "from verger.base.clock import now",
    "flows/__init__.py": "",
    "flows/inbound.py": "from verger.domain.places import store\nfrom verger.domain.devices import model",
    "flows/ports.py": "from typing import Protocol",
    "edges/__init__.py": "",
    "edges/api/__init__.py": "",
    "edges/api/routes.py": "from verger import __version__\nfrom verger.flows.inbound import Inbound",
    "edges/live/__init__.py": "",
    "edges/live/hub.py": "from verger.domain.places.model import Place",
    "simulator/__init__.py": "",
    "simulator/curves.py": "from verger.base import clock",
}

PLANTED = {
    "base knows domain": ("base/clock.py", "from verger.domain.places import model", "base may not know domain"),
    "domain knows flows": ("domain/places/model.py", "import verger.flows.inbound", "domain may not know flows"),
    "flows know an edge": ("flows/ports.py", "from verger.edges.live import hub", "flows may not know edges"),
    "domain folders meet": ("domain/places/store.py", "from verger.domain.devices import model", "a domain folder"),
    "edges meet": ("edges/api/routes.py", "from verger.edges.live.hub import Hub", "an edge never imports another"),
    "simulator knows domain": ("simulator/curves.py", "from verger.domain.places import model", "may not know domain"),
    "someone knows app": ("edges/live/hub.py", "from verger.app import serve", "nobody knows them"),
    "the package imports": ("__init__.py", "from verger.base import clock", "the package itself imports nothing"),
    "a new ring": ("services/mail.py", "from verger.base import clock", "no ring called services"),
    "relatively": ("domain/places/store.py", "from ..devices import model", "a domain folder"),
    "relatively, by the parent": ("domain/places/__init__.py", "from .. import devices", "a domain folder"),
    "only for types": (
        "base/clock.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from verger.flows import ports",
        "base may not know flows",
    ),
    "inside a function": ("base/clock.py", "def f():\n    import verger.edges.api.routes", "base may not know edges"),
    "by name": ("base/clock.py", 'import importlib\nimportlib.import_module("verger.flows.ports")', "not know flows"),
    "reads the environment": ("base/clock.py", "import os\nos.environ.get('X')", "reads the environment"),
    "takes the environment": ("flows/ports.py", "from os import getenv as g", "reads the environment"),
    "a long file": ("base/clock.py", "x = 1\n" * 301, "has 301 lines"),
    "a long function": ("base/clock.py", "async def f():\n" + "    x = 1\n" * 40, "f has 41 lines"),
    "a long method": ("base/clock.py", "class A:\n    def f():\n" + "        x = 1\n" * 40, "f has 41 lines"),
    "a nameless folder": ("domain/common/model.py", "", "'common' does not say"),
    "a nameless module": ("base/utils.py", "", "'utils' does not say"),
}


def plant(root: Path, files: dict[str, str]) -> Path:
    """Write the files of a package into a tree."""
    for name, text in files.items():
        path = root / "src" / "verger" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


def test_this_tree_keeps_every_rule() -> None:
    assert breaches(ROOT) == []


def test_a_sound_tree_has_no_breach(tmp_path: Path) -> None:
    assert breaches(plant(tmp_path, SOUND)) == []


@pytest.mark.parametrize(("name", "text", "sentence"), PLANTED.values(), ids=PLANTED)
def test_a_planted_breach_is_found(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    found, *more = breaches(plant(tmp_path, SOUND | {name: text}))
    assert sentence in found
    assert all("in a circle" in other for other in more)  # an import outwards closes one, too


def test_folders_in_a_circle_are_found(tmp_path: Path) -> None:
    circle = {
        "flows/upkeep/__init__.py": "",
        "flows/upkeep/plan.py": "from verger.flows import inbound",
        "flows/inbound.py": "def f():\n    from verger.flows.upkeep import plan",
    }
    assert breaches(plant(tmp_path, SOUND | circle)) == [
        "These folders import each other in a circle: verger.flows → verger.flows.upkeep → verger.flows."
    ]


@pytest.mark.parametrize(("name", "lines"), [("Today.vue", 151), ("today.ts", 301)])
def test_a_long_file_of_the_web_is_found(tmp_path: Path, name: str, lines: int) -> None:
    page = tmp_path / "web" / "src" / name
    page.parent.mkdir(parents=True)
    page.write_text("\n" * lines)
    (found,) = breaches(plant(tmp_path, SOUND))
    assert found == f"web/src/{name} has {lines} lines; split it by what it does ({lines - 1} at most)."


def test_a_migration_may_be_long(tmp_path: Path) -> None:
    migration = {"base/migrations/versions/0001_begin.py": "def upgrade():\n" + "    x = 1\n" * 300}
    assert breaches(plant(tmp_path, SOUND | migration)) == []


def test_what_others_wrote_is_not_measured(tmp_path: Path) -> None:
    foreign = tmp_path / "web" / "node_modules" / "core" / "Big.vue"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("<p />\n" * 500)
    assert breaches(plant(tmp_path, SOUND)) == []


def test_each_decision_has_a_number_of_its_own() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [int(record.name[:4]) for record in records] == [*range(1, len(records) + 1)]
    assert all(record.read_text("utf-8").startswith(f"# {int(record.name[:4])}. ") for record in records)
