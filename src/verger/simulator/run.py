"""`verger simulate`: devices that speak to a server until they are stopped."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from verger.base.clock import Clock, SystemClock
from verger.base.errors import Invalid
from verger.simulator import native, plant
from verger.simulator.device import Character, Device
from verger.simulator.fleet import FAMILIES, Wish, fleet
from verger.simulator.kinds import KINDS, kind_named, seed_of
from verger.simulator.life import Door, Life, lived
from verger.simulator.mqtt import V3, V5, Link, NotWelcome

DIALECTS = (native.NAME, *FAMILIES)
VERSIONS = {"3.1.1": V3, "5": V5}
APART_S = 2.0
_NO_SUCH = f"No simulated device speaks {{dialect}}; choose one of {', '.join(DIALECTS)}."
_REFUSED = (
    "No {dialect} device is let in: make an enrolment for {dialect} (Settings, Enrolments), give its key with --key.",
    "The server took no id and secret: write what Verger shows when a device of the dialect plant is added to --pairs.",
)

log = structlog.get_logger()


@dataclass(frozen=True)
class Server:
    """Where the devices connect to, and in which version of MQTT."""

    host: str = "127.0.0.1"
    port: int = 1883
    mqtt: str = "3.1.1"


def simulate(
    dialect: str,
    server: Server,
    tokens: Sequence[str],
    *,
    devices: int | None = None,
    every_s: float = 10.0,
    kind: str | None = None,
    seed: int = 1,
) -> None:
    """Let devices live until interrupted; raises Invalid when what was asked for cannot be."""
    if dialect not in DIALECTS:
        raise Invalid(_NO_SUCH.format(dialect=dialect))
    fleet = characters(tokens, devices, every_s, kind, seed)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(live(fleet, server))


def read_tokens(path: Path | None, given: Sequence[str] = ()) -> list[str]:
    """Return the tokens given, and those of a file: one a line, `TOKEN` or `TOKEN KIND`; # begins a remark."""
    if path is None:
        return list(given)
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as unreadable:
        raise Invalid(f"The tokens in {path} cannot be read; write one access token a line.") from unreadable
    return [*given, *(line for whole in lines if (line := whole.partition("#")[0].strip()))]


def characters(
    tokens: Sequence[str], devices: int | None, every_s: float, kind: str | None, seed: int
) -> list[Character]:
    """Return so many devices (all that have a token if not said), of one kind or of all kinds in turn."""
    wanted = len(tokens) if devices is None else devices
    if not 0 < wanted <= len(tokens):
        raise Invalid(
            f"{wanted} devices need as many access tokens, and {len(tokens)} are given: "
            "add devices in Verger and pass their tokens with --token or --tokens FILE."
        )
    if not 0.05 <= every_s <= 86_400:
        raise Invalid(f"A device measures every 0.05 to 86400 seconds, not every {every_s:g}.")
    fleet = []
    for number, line in enumerate(tokens[:wanted]):
        token, _, own = line.partition(" ")
        name = own.strip() or kind or list(KINDS)[number % len(KINDS)]
        kind_named(name)
        fleet.append(Character(token, name, seed_of(seed, f"device {number}"), every_s))
    return fleet


async def live(fleet: Sequence[Character], server: Server, clock: Clock | None = None) -> None:
    """Let these devices live until cancelled; raises NotWelcome once the server has refused every one of them."""
    version = VERSIONS.get(server.mqtt)
    if version is None:
        raise Invalid(f"MQTT is spoken in version {' or '.join(VERSIONS)}, not {server.mqtt}.")
    devices = [
        Device(who, Link(server.host, server.port, who.token, f"simulated-{number}", version), clock or SystemClock())
        for number, who in enumerate(fleet)
    ]
    log.info("Simulated devices speak.", devices=len(devices), host=server.host, port=server.port)
    ends = await asyncio.gather(*map(_live, devices))
    raise NotWelcome(str(ends[-1]))


async def _live(device: Device) -> NotWelcome:
    """Let one device live; return the refusal that ended it."""
    try:
        await device.live(asyncio.sleep)
    except NotWelcome as refusal:
        log.warning("A simulated device stopped.", why=str(refusal))
        return refusal
    raise AssertionError("a device lives until it is cancelled or refused")


# the families


def simulate_family(dialect: str, door: Door, wish: Wish) -> None:
    """Let devices of a family live until interrupted; raises Invalid or NotWelcome."""
    if dialect not in FAMILIES:
        raise Invalid(_NO_SUCH.format(dialect=dialect))
    lives = fleet(dialect, door, wish)
    log.info("Simulated devices speak.", dialect=dialect, devices=len(lives), host=door.host, port=door.port)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(live_family(dialect, lives))


async def live_family(dialect: str, lives: Sequence[Life]) -> None:
    """Let these devices live until cancelled; raises NotWelcome once the server has refused every one of them."""
    await asyncio.gather(*(_begun(one, number / max(1, len(lives))) for number, one in enumerate(lives)))
    raise NotWelcome(_REFUSED[dialect == plant.NAME].format(dialect=dialect))


async def _begun(one: Life, share: float) -> NotWelcome:
    """Let a device live, a little after the one before: no two are switched on at once."""
    await asyncio.sleep(share * APART_S)
    return await lived(one)
