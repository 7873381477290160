"""A record that a follower cannot take: set aside with its reason and shown, and all goes on."""

import asyncio
from pathlib import Path

import numpy as np

from tests.e2e.home import Home
from tests.e2e.waiting import until
from verger.base.clock import SystemClock
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.model import Batch, Event, Told


async def append_poison(folder: Path) -> int:
    """Append, while the program does not run, an event of a tenant that never was; return its sequence."""
    log = await Log.open(folder / "log")
    nothing = np.array([], np.uint32), np.array([], np.int64), np.array([], np.float64)
    now = SystemClock().now()
    told = (Told("no-such-tenant", "no-such-device", Event("treatment", at=now)),)
    kept = await log.append(Batch(now, *nothing, told))
    await log.close()
    return kept.sequence


def test_a_poison_record_is_set_aside_and_shown_and_everything_goes_on(home: Home) -> None:
    thing = home.add_device()
    home.tell(thing, {"temperature": 1})
    home.server.stop()
    sequence = asyncio.run(append_poison(home.server.folder))
    home.server.start()
    home.tell(thing, {"temperature": 2})
    home.tell(thing, {"kind": "treatment.basic", "id": "1"}, "events")

    events = until(lambda: home.get(f"devices/{thing.id}/events")["items"])
    assert [event["kind"] for event in events] == ["treatment.basic"]
    assert home.latest(thing)["temperature"]["value"] == 2
    state = home.get("system")
    assert [(letter["follower"], letter["sequence"]) for letter in state["dead_letters"]] == [("recording", sequence)]
    assert "FOREIGN KEY" in state["dead_letters"][0]["reason"]
    assert until(lambda: all(each["lag"] == 0 for each in home.get("system")["followers"]))


def test_what_was_set_aside_is_still_shown_after_a_restart_and_not_tried_again(home: Home) -> None:
    home.server.stop()
    asyncio.run(append_poison(home.server.folder))
    home.server.start()
    first = until(lambda: home.get("system")["dead_letters"])
    home.server.stop()
    home.server.start()
    home.tell(home.add_device(), {"temperature": 1})
    assert until(lambda: all(each["lag"] == 0 for each in home.get("system")["followers"]))
    assert home.get("system")["dead_letters"] == first
    assert len(first) == 1
