"""What a run came to, and the table of many."""

import statistics
from collections.abc import Callable, Iterable, Iterator

import msgspec

from bench.rig.load import BUSY, READINGS

QUIET = 0.05  # of a core: what other programs may use before they disturb a run
HEAD = (
    "mode",
    "subject",
    "messages/s",
    "(min to max)",
    "readings/s",
    "CPU-s/100k",
    "core",
    "p50 ms",
    "p99 ms",
    "RSS MB",
    "load core",
    "verger is",
)


class Run(msgspec.Struct, frozen=True):
    """One run of one subject; the span measured is `seconds`, the counts are of the whole run.

    Shares are of one core: the server's of its own, the generator's of its own, and what others took of either.
    """

    subject: str
    mode: str
    seconds: float
    messages_s: float
    cpu_s_per_100k: float
    server_share: float
    generator_share: float
    others_share: float
    acks_what_it_kept: bool
    p50_ms: float | None
    p99_ms: float | None
    peak_mb: float
    sent: int
    acknowledged: int
    kept_readings: int
    whole: bool

    def line(self) -> str:
        """Return one line for a person who waits."""
        kept = "all kept" if self.whole else "NOT ALL KEPT"
        return f"{self.mode:>18} {self.subject:<16} {self.messages_s:>9,.0f} messages/s, {kept}"

    def complaints(self) -> Iterator[str]:
        """Say why this run should not be believed, if there is a reason."""
        if not self.whole:
            wanted = self.acknowledged * READINGS
            yield f"{self.subject} {self.mode}: {self.kept_readings:,} readings are kept, {wanted:,} were acknowledged."
        if self.generator_share > BUSY:
            busy = f"the load generator used {self.generator_share:.0%} of its core"
            yield f"{self.subject} {self.mode}: {busy}, so it may be what was measured."
        if self.others_share > QUIET:
            others = f"other programs used {self.others_share:.0%} of a core"
            yield f"{self.subject} {self.mode}: {others} meanwhile, so the run was disturbed."


def show(runs: Iterable[Run]) -> str:
    """Return a Markdown table: medians of the runs of each subject and mode, and how each compares with Verger."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.mode, run.subject), []).append(run)
    rates = {key: _median(group, lambda run: run.messages_s) for key, group in groups.items()}
    rows = [HEAD, tuple("---" for _ in HEAD)]
    rows += [_row(group, rates.get((mode, "verger"))) for (mode, _), group in groups.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(group: list[Run], ours: float | None) -> tuple[str, ...]:
    rates = [run.messages_s for run in group]
    rate = statistics.median(rates)
    return (
        group[0].mode,
        group[0].subject,
        f"{rate:,.0f}",
        f"{min(rates):,.0f} to {max(rates):,.0f}",
        f"{rate * READINGS:,.0f}",
        f"{_median(group, lambda run: run.cpu_s_per_100k):.2f}",
        f"{_median(group, lambda run: run.server_share):.0%}",
        _milliseconds(group, lambda run: run.p50_ms),
        _milliseconds(group, lambda run: run.p99_ms),
        f"{max(run.peak_mb for run in group):.0f}",
        f"{_median(group, lambda run: run.generator_share):.0%}",
        f"{ours / rate:.2f} x" if ours else "",
    )


def _median(group: list[Run], of: Callable[[Run], float]) -> float:
    return statistics.median(of(run) for run in group)


def _milliseconds(group: list[Run], of: Callable[[Run], float | None]) -> str:
    known = [value for run in group if (value := of(run)) is not None]
    if not known:
        return ""
    return f"{statistics.median(known):.2f}" + ("" if group[0].acks_what_it_kept else " (before it was kept)")
