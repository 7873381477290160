"""Judges the licences of all that is shipped: what Verger needs at run time, and what ends in its web pages."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FREE = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "CC0-1.0", "ISC", "MIT", "MIT-0"),
    *("MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib"),
}
_BY_TITLE = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}

Find = Callable[[str], Distribution]


def is_free(expression: str) -> bool:
    """Return whether an SPDX expression lets us ship: one side of each OR, every side of each AND."""
    words = re.findall(r"\(|\)|[^\s()]+", expression)
    try:
        verdict = _either(words)
    except IndexError:
        return False
    return verdict and not words


def unfree_python(package: str, find: Find = distribution) -> Iterator[str]:
    """Yield a sentence for each package in the run-time closure that we may not ship."""
    for name, found in sorted(_closure(package, find).items()):
        told = licence_of(found)
        if name != package and not is_free(told):
            yield f"Python package {name} {found.version} is under {told or 'no licence that it names'}: {_ADVICE}"


def unfree_npm(lock: Path) -> Iterator[str]:
    """Yield a sentence for each package of an npm lock that is not only for development and that we may not ship."""
    for place, entry in json.loads(lock.read_text("utf-8"))["packages"].items():
        told = _npm_licence(entry)
        if place and not entry.get("dev") and not entry.get("devOptional") and not is_free(told):
            name = place.rpartition("node_modules/")[2]
            yield f"npm package {name} {entry.get('version')} is under {told or 'no licence that it names'}: {_ADVICE}"


def licence_of(found: Distribution) -> str:
    """Return an SPDX expression for a package, from what it declares; empty when it declares nothing known."""
    expressions, classifiers, texts = (
        found.metadata.get_all(header, []) for header in ("License-Expression", "Classifier", "License")
    )
    titles = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License :: ")]
    titles = titles or [text.strip().partition("\n")[0] for text in texts]
    return " AND ".join(expressions or (_BY_TITLE.get(title, title) for title in titles))


_ADVICE = "it may not be shipped with Verger. Take another package, or ask for this one to be judged."


def _either(words: list[str]) -> bool:
    verdict = _both(words)
    while words[:1] == ["OR"]:
        words.pop(0)
        verdict |= _both(words)
    return verdict


def _both(words: list[str]) -> bool:
    verdict = _one(words)
    while words[:1] == ["AND"]:
        words.pop(0)
        verdict &= _one(words)
    return verdict


def _one(words: list[str]) -> bool:
    word = words.pop(0)
    if word == "(":
        verdict = _either(words)
        return words.pop(0) == ")" and verdict
    return word in FREE


def _closure(package: str, find: Find) -> Mapping[str, Distribution]:
    """Return every installed package that one needs at run time on this machine, itself included."""
    found: dict[str, Distribution] = {}
    wanted = [Requirement(package)]
    seen: set[str] = set()
    while wanted:
        one = wanted.pop()
        if str(one) in seen:
            continue
        seen.add(str(one))
        name = canonicalize_name(one.name)
        found[name] = find(name)
        needs = map(Requirement, found[name].requires or ())
        wanted += [inner for inner in needs if _applies(inner, one.extras)]
    return found


def _applies(one: Requirement, extras: set[str]) -> bool:
    return one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras | {""})


def _npm_licence(entry: Mapping[str, object]) -> str:
    told = entry.get("license", "")
    return told if isinstance(told, str) else ""
