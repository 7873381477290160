"""What benches other than ingest keep of their runs, and how they show them."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.rig import machine

FOLDER = Path(__file__).parent.parent / "results"
Cell = str | float | bool | None


def keep(name: str, rows: Iterable[Mapping[str, Cell]]) -> None:
    """Append rows to the results of a bench, each with the machine's facts and the time."""
    about = machine.facts() | {"at": datetime.now(UTC).isoformat(timespec="seconds")}
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{name}.jsonl").open("ab") as results:
        results.writelines(msgspec.json.encode(about | dict(row)) + b"\n" for row in rows)


def show(rows: Sequence[Mapping[str, Cell]]) -> str:
    """Return a Markdown table of rows that have the same names."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([_said(cell) for cell in row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def medians(rows: Sequence[Mapping[str, Cell]], by: str) -> list[dict[str, Cell]]:
    """Return one row for each value of a column, with the medians of its numbers and the first of all else."""
    groups: dict[Cell, list[Mapping[str, Cell]]] = {}
    for row in rows:
        groups.setdefault(row[by], []).append(row)
    return [{name: _middle([row[name] for row in group]) for name in group[0]} for group in groups.values()]


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of all lies; not a number where there are none."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


def _middle(cells: Sequence[Cell]) -> Cell:
    numbers = [cell for cell in cells if isinstance(cell, int | float) and not isinstance(cell, bool)]
    return statistics.median(numbers) if numbers and len(numbers) == len(cells) else cells[0]


def _said(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool | str):
        return str(cell)
    return f"{cell:,.0f}" if cell >= 100 or int(cell) == cell else f"{cell:,.2f}"
