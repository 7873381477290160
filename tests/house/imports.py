"""Reads a tree of Python modules: who imports whom, also under TYPE_CHECKING, inside functions and by name."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "verger"


@dataclass(frozen=True)
class Module:
    """One Python file of the package, parsed."""

    name: str
    path: Path
    tree: ast.Module
    is_package: bool

    @property
    def folder(self) -> str:
        """The dotted name of the folder it stands in."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


@dataclass(frozen=True)
class Import:
    """One import of one module of the package by another, with its line."""

    by: Module
    of: Module
    line: int


def modules(source: Path) -> dict[str, Module]:
    """Return every module of the package below a source folder, by its dotted name."""
    found = {}
    for path in sorted((source / PACKAGE).rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        found[name] = Module(name, path, ast.parse(path.read_text("utf-8")), is_package)
    return found


def imports(known: Mapping[str, Module]) -> list[Import]:
    """Return every import of one of the modules by another of them."""
    return [
        Import(module, known[name], line)
        for module in known.values()
        for line, wanted in _wanted(module)
        if (name := _nearest(wanted, known)) and name != module.name
    ]


def _nearest(wanted: str, known: Mapping[str, Module]) -> str:
    """Return the longest beginning of a dotted name that is a module; the rest is a name inside it."""
    while wanted and wanted not in known:
        wanted = wanted.rpartition(".")[0]
    return wanted


def _wanted(module: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(names=names):
                origin = _origin(module, node)
                yield from ((node.lineno, f"{origin}.{alias.name}") for alias in names)
            case ast.Call(
                func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name


def _origin(module: Module, node: ast.ImportFrom) -> str:
    """Return the absolute module that a `from … import` names."""
    if not node.level:
        return node.module or ""
    above = module.folder.split(".")
    base = above[: len(above) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)
