"""An estate with rules: what they cost the whole path, beside the same estate without them."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from bench.rig import machine, results
from bench.rig.estate import Estate, bare, settled
from bench.rig.load import READINGS, Load, Shape
from verger.app.stores import Stores
from verger.base.clock import moment
from verger.base.ids import new_id
from verger.domain.rules.accepted import KeptRule


async def ruled(stores: Stores, tenant: str, estate: Estate) -> None:
    """Give each device a rule that hears one of its values and is not met by any, as nearly all are not."""
    when = {"metric": "temperature", "is": "above", "value": 1000}
    async with stores.db.writing() as connection:
        for device in estate.devices:
            written = {"when": when | {"device": device}, "then": [{"task": {"title": "Look"}}]}
            await stores.rules.rules.add(connection, tenant, rule(stores, estate, written))


def rule(stores: Stores, estate: Estate, written: Mapping[str, Any]) -> KeptRule:
    """Return a rule at the place of an estate."""
    own = {"id": new_id(), "name": "Rule", "place": estate.place, "created_at": moment(stores.clock.now())}
    return msgspec.convert({**written, **own}, KeptRule)


def by_turns(devices: int, turns: int, seconds: float) -> list[dict[str, results.Cell]]:
    """Load an estate without and with a rule for each device, by turns; return a row for each run."""
    return [_loaded(devices, seconds, rules=rules) for _ in range(turns) for rules in (False, True)]


def _loaded(devices: int, seconds: float, *, rules: bool) -> dict[str, results.Cell]:
    cores, moments = machine.cores(), dict[str, machine.Moment]()
    with tempfile.TemporaryDirectory(prefix="verger-bench-") as text:
        folder = Path(text)
        with settled(folder, cores.server, devices, furnish=ruled if rules else bare) as (subject, _):

            def mark(word: str) -> None:
                moments[word] = machine.moment(subject.pids, cores)

            load = Load(folder, cores.generator)
            outcome = load.run(Shape(devices, 1, 1), subject.port, seconds, 2.0, subject.options, mark)
            mark("settled")
            behind = subject.figures().get('verger_follower_lag_records{follower="rules"}', 0.0)
    begin, end = moments["begin"], moments["end"]
    cpu_s = end.cpu_s - begin.cpu_s
    return {
        "rules": devices if rules else 0,
        "messages/s": outcome.per_second,
        "readings/s": outcome.per_second * READINGS,
        "CPU-s/100k": cpu_s / max(outcome.messages, 1) * 1e5,
        "core": cpu_s / (end.at - begin.at),
        "others": max(end.server_busy_s - begin.server_busy_s - cpu_s, 0.0) / (end.at - begin.at),
        "p99 ms": outcome.p99_us / 1e3,
        "records behind": behind,
        "RSS MB": end.peak_mb,
    }


def cost(rows: list[dict[str, results.Cell]]) -> tuple[float, float]:
    """Return by how much rules lower the rate, and raise the processor time of a message, as shares."""
    without, having = results.medians(rows, "rules")

    def ratio(name: str) -> float:
        return float(having[name] or 0) / float(without[name] or 1)

    return 1 - ratio("messages/s"), ratio("CPU-s/100k") - 1
