"""All that is shipped may be shipped, and the check that says so would see it if it might not."""

import json
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

import pytest

from tests.house.licences import is_free, licence_of, unfree_npm, unfree_python

ROOT = Path(__file__).parent.parent


def installed(folder: Path, name: str, *headers: str) -> Distribution:
    """Write the metadata of a package and return it as if it were installed."""
    place = folder / f"{name}-1.0.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("\n".join(["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *headers]))
    return PathDistribution(place)


def npm_lock(folder: Path, packages: dict[str, dict[str, object]]) -> Path:
    """Write an npm lock with some packages."""
    path = folder / "package-lock.json"
    path.write_text(json.dumps({"packages": {"": {"license": "UNLICENSED"}, **packages}}))
    return path


def test_every_python_package_that_we_ship_is_free() -> None:
    assert list(unfree_python("verger")) == []


def test_every_npm_package_that_we_ship_is_free() -> None:
    assert list(unfree_npm(ROOT / "web" / "package-lock.json")) == []


@pytest.mark.parametrize(
    "expression",
    ["MIT", "MIT OR GPL-3.0-only", "Apache-2.0 AND (MIT OR LGPL-2.1-only)", "EPL-2.0 OR BSD-3-Clause", "(0BSD)"],
)
def test_may_be_shipped(expression: str) -> None:
    assert is_free(expression)


@pytest.mark.parametrize(
    "expression",
    [
        *("GPL-3.0-or-later", "AGPL-3.0-only", "LGPL-2.1-only", "MIT AND GPL-2.0-only", "MIT AND (ISC AND GPL-2.0)"),
        *("SEE LICENSE IN LICENSE.md", "UNLICENSED", "Commercial", "LicenseRef-PrimeVue"),
        *("", "(MIT", "MIT)", "MIT OR", "MIT MIT"),
    ],
)
def test_may_not_be_shipped(expression: str) -> None:
    assert not is_free(expression)


def test_a_planted_package_of_a_package_is_found(tmp_path: Path) -> None:
    packages = {
        "verger": installed(tmp_path, "verger", "Requires-Dist: sound", "Requires-Dist: tool; extra == 'dev'"),
        "sound": installed(tmp_path, "sound", "License-Expression: MIT", "Requires-Dist: deep[more]"),
        "deep": installed(tmp_path, "deep", "License: ISC", "Requires-Dist: viral; extra == 'more'"),
        "viral": installed(tmp_path, "viral", "License-Expression: AGPL-3.0-only"),
    }
    (found,) = unfree_python("verger", packages.__getitem__)
    assert found.startswith("Python package viral 1.0 is under AGPL-3.0-only: it may not be shipped")


@pytest.mark.parametrize(
    ("headers", "expression"),
    [
        (["License: MIT License"], "MIT"),
        (["Classifier: License :: OSI Approved :: BSD License"], "BSD-3-Clause"),
        (["License: MIT", "Classifier: License :: Other/Proprietary License"], "Other/Proprietary License"),
        (["License: MIT", "Classifier: License :: OSI Approved :: GNU Affero (AGPLv3)"], "GNU Affero (AGPLv3)"),
        (["License: Our own words", "Summary: a thing"], "Our own words"),
        (["Summary: a thing"], ""),
    ],
)
def test_a_licence_is_read_from_what_a_package_declares(tmp_path: Path, headers: list[str], expression: str) -> None:
    assert licence_of(installed(tmp_path, "thing", *headers)) == expression


def test_planted_npm_packages_are_found(tmp_path: Path) -> None:
    lock = npm_lock(
        tmp_path,
        {
            "node_modules/vue": {"version": "3", "license": "MIT"},
            "node_modules/primevue": {"version": "5", "license": "SEE LICENSE IN LICENSE.md"},
            "node_modules/vue/node_modules/silent": {"version": "1"},
            "node_modules/tool": {"version": "2", "license": "GPL-3.0", "dev": True},
        },
    )
    first, second = unfree_npm(lock)
    assert first.startswith("npm package primevue 5 is under SEE LICENSE IN LICENSE.md: ")
    assert second.startswith("npm package silent 1 is under no licence that it names: ")
