"""The command import-from: what another system's installation holds becomes places, devices, history and events."""

import tomllib
from pathlib import Path
from typing import Any

import click
import msgspec

from verger.base.errors import Invalid, Refused
from verger.base.log import start_logging
from verger.base.plural import counted
from verger.base.settings import Settings
from verger.domain.devices.families import FAMILIES
from verger.domain.imports.moved import Moved
from verger.edges.control.bar import Bar
from verger.edges.control.caller import ask

WORD = "move in"


@click.command("import-from")
@click.argument("family", type=click.Choice(sorted(FAMILIES)))
@click.argument("source")
@click.option("--place", required=True, help="Below which place: its id, or its name where only one has it.")
@click.option("--dry-run", is_flag=True, help="Only say what would be new here.")
@click.option("--only", default="", help="Of several cottages, branches or farms there, those of this name.")
@click.option("--timezone", default="", help="Of times that name none, such as Europe/Helsinki.")
@click.option("--mapping", type=click.Path(path_type=Path, dir_okay=False), help="A TOML file: how tables are called.")
@click.option("--password-file", type=click.Path(path_type=Path, dir_okay=False), help="Of a PostgreSQL database.")
def import_from(source: str, mapping: Path | None, password_file: Path | None, **wish: Any) -> None:
    """Take over what an installation of another system holds; Verger runs meanwhile.

    SOURCE is its SQLite file, a postgresql:// address, a folder of its tables as CSV files, or what it exported.
    Nothing is changed there. Done again, only what is new is added.
    """
    start_logging("error", in_words=True)
    where = source if "://" in source else str(Path(source).absolute())
    wish |= {"where": where, "mapping": _mapping(mapping), "trial": wish.pop("dry_run")}
    if password_file is not None:
        wish["password"] = _text(password_file).strip()
    with Bar("Moving in") as bar:
        told = ask(Settings.read().data, WORD, wish, bar.reached)
    if told is None:
        raise Refused("Verger does not run on this data folder: start it first (verger serve), or set VERGER_DATA.")
    for line in report(msgspec.convert(told, Moved)):
        click.echo(line)


def report(moved: Moved) -> list[str]:
    """Return what came of it, line by line."""
    new = "would be new" if moved.trial else "new"
    lines = [
        f"{name:<9} {part.found:>12,}   {part.new:>12,} {new}"
        for name, part in (
            ("places", moved.places),
            ("devices", moved.devices),
            ("readings", moved.readings),
            ("events", moved.events),
        )
    ]
    if moved.first is not None and moved.last is not None:
        lines.append(f"from {moved.first} to {moved.last}")
    if moved.elsewhere:
        lines.append(f"{counted(moved.elsewhere, 'row')} of devices that were not asked for")
    lines += [f"left: {table}, {counted(rows, 'row')}" for table, rows in sorted(moved.left.items())]
    if moved.faulty:
        lines.append(f"{counted(moved.faulty, 'row')} made no sense:")
        lines += [f"  {fault.table or 'a row'} {fault.row}: {fault.message}" for fault in moved.faults]
    if moved.trial:
        lines.append("Nothing was kept. Without --dry-run it is.")
    return lines


def _mapping(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{path} is no TOML: {error}.") from None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}.") from None
