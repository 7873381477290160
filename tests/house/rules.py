"""The rules of the house: rings, cycles, sizes, names, and who reads the environment. Each returns sentences."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.house.imports import PACKAGE, Import, Module, imports, modules

KNOW_EVERYONE = {"app", "cli", "__main__"}
MAY_IMPORT = {
    "base": {"base"},
    "domain": {"base"},
    "flows": {"base", "domain", "flows"},
    "edges": {"base", "domain", "flows"},
    "simulator": {"base", "simulator"},
}
ROOMS = {"domain": "a domain folder never imports another", "edges": "an edge never imports another"}
NAMELESS = {"common", "core", "helper", "helpers", "manager", "managers", "util", "utils"}
READS_ENVIRONMENT = f"{PACKAGE}.base.settings"
PYTHON_LINES, FUNCTION_LINES = 300, 40
WEB_LINES = {"*.vue": 150, "*.ts": 300}
_FOREIGN = {"node_modules", "dist", "static", "__pycache__"}
_MIGRATIONS = "versions"  # each tells one change from beginning to end, and is never touched again


def breaches(root: Path) -> list[str]:
    """Return one sentence for each breach of a rule in a tree; none in a sound one."""
    known = modules(root / "src")
    every = imports(known)
    return [
        *(sentence for one in every if (sentence := _ring_breach(one))),
        *_cycles(every),
        *_readers_of_environment(known),
        *_long_python(root),
        *_long_web(root),
        *_nameless(root),
    ]


def _ring_breach(one: Import) -> str:
    """Return why an import is not allowed; empty when it is."""
    by, of = _place(one.by), _place(one.of)
    if not of or (by and by[0] in KNOW_EVERYONE):  # the package itself holds no more than its version
        return ""
    why = _objection(by, of) if by else "the package itself imports nothing"
    return why and f"{one.by.name}, line {one.line}, imports {one.of.name}: {why}."


def _objection(by: tuple[str, ...], of: tuple[str, ...]) -> str:
    """Return what the rings have against an import; empty when nothing."""
    if of[0] in KNOW_EVERYONE:
        return "only app and cli know everyone, and nobody knows them"
    if by[0] not in MAY_IMPORT:
        return f"there is no ring called {by[0]}"
    if by[0] == of[0] and by[0] in ROOMS:
        return "" if by[1:2] == of[1:2] or not of[1:] else ROOMS[by[0]]
    return "" if of[0] in MAY_IMPORT[by[0]] else f"{by[0]} may not know {of[0]}"


def _place(module: Module) -> tuple[str, ...]:
    """Return where a module stands below the package: ring, folder, file."""
    return tuple(module.name.split(".")[1:])


def _part(module: Module) -> str:
    """Return the folder of a module; a file directly in the package is a part of its own."""
    return module.name if module.folder == PACKAGE else module.folder


def _cycles(every: Iterable[Import]) -> Iterator[str]:
    """Yield the first import cycle between folders, if there is one."""
    graph: dict[str, set[str]] = {}
    for one in every:
        by, of = _part(one.by), _part(one.of)
        if by != of:
            graph.setdefault(by, set()).add(of)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        yield f"These folders import each other in a circle: {' → '.join(reversed(found.args[1]))}."


def _readers_of_environment(known: Mapping[str, Module]) -> Iterator[str]:
    names = {"environ", "environb", "getenv", "getenvb"}
    for module in known.values():
        if module.name == READS_ENVIRONMENT:
            continue
        for node in ast.walk(module.tree):
            match node:
                case ast.Attribute(attr=name, lineno=line) if name in names:
                    yield f"{module.name}, line {line}, reads the environment: only base/settings.py does."
                case ast.ImportFrom(module="os", names=taken, lineno=line) if names & {one.name for one in taken}:
                    yield f"{module.name}, line {line}, reads the environment: only base/settings.py does."


def _long_python(root: Path) -> Iterator[str]:
    for path in _files(root, "*.py", "src", "tests", "bench", "device", "."):
        if path.parent.name == _MIGRATIONS:
            continue
        text = path.read_text("utf-8")
        told = path.relative_to(root)
        if (lines := len(text.splitlines())) > PYTHON_LINES:
            yield f"{told} has {lines} lines; split it by what it does ({PYTHON_LINES} at most)."
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    yield f"{told}: {node.name} has {length} lines; split it by step ({FUNCTION_LINES} at most)."


def _long_web(root: Path) -> Iterator[str]:
    for pattern, most in WEB_LINES.items():
        for path in _files(root, pattern, "web"):
            lines = len(path.read_text("utf-8").splitlines())
            if lines > most and not path.name.endswith(".d.ts"):  # those are made by programs
                yield f"{path.relative_to(root)} has {lines} lines; split it by what it does ({most} at most)."


def _nameless(root: Path) -> Iterator[str]:
    """Yield folders and modules whose name does not say what they do."""
    for place in ("src", "web", "tests", "bench", "device"):
        for path in _files(root, "*", place):
            for name in {*path.relative_to(root).parent.parts, path.stem} & NAMELESS:
                yield f"{path.relative_to(root)}: {name!r} does not say what it does."


def _files(root: Path, pattern: str, *places: str) -> Iterator[Path]:
    """Yield our own files below some folders of the root; "." is the root's own files alone."""
    for place in places:
        found = root.glob(pattern) if place == "." else (root / place).rglob(pattern)
        for path in sorted(found):
            if path.is_file() and not _FOREIGN & set(path.relative_to(root).parts):
                yield path
