"""The command line: serve, demo, simulate, backup, verify, restore, limits."""

import asyncio
import gc
import resource
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np
import uvloop

from verger import __version__
from verger.app import House, running
from verger.base.clock import DAY, moment
from verger.base.errors import Refused
from verger.base.ids import new_id
from verger.base.log import start_logging
from verger.base.settings import Settings, strangers
from verger.domain.devices.model import Device, DeviceType, Metric
from verger.domain.places.model import Place
from verger.domain.telemetry.model import Event, Heard
from verger.domain.tenancy.model import Founding
from verger.edges.api.server import HttpPorts
from verger.edges.control.commands import backup, restore, verify
from verger.edges.control.limits import limits
from verger.simulator.command import simulate_command
from verger.simulator.device import Character
from verger.simulator.estate import ESTATE
from verger.simulator.history import occurrences, readings
from verger.simulator.kinds import KINDS, seed_of
from verger.simulator.run import Server, live

_USAGE = 2
_MONTH = 30 * DAY
_PAST_EVERY_S = 30.0
_LIVE_EVERY_S = 5.0

Begin = Callable[[House, Settings], Awaitable[None]]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="verger")
def commands() -> None:
    """Verger looks after places: their devices, their history, and the people who share the work."""


@commands.command()
def serve() -> None:
    """Run the whole product in one process, set by VERGER_* (see docs/operate/settings.md)."""
    settings = Settings.read()
    start_logging(settings.log_level)
    for sentence in strangers():
        click.echo(sentence, err=True)
    if not uvloop.run(_serve(settings)):
        sys.exit(1)


@commands.command()
def demo() -> None:
    """Run on a throw-away folder, with five kinds of place, a month of history and live simulated devices."""
    start_logging("warning")
    with TemporaryDirectory(prefix="verger-demo-") as folder:
        if not uvloop.run(_serve(Settings.read().within(Path(folder)), _demonstrate)):
            sys.exit(1)


for command in (backup, verify, restore, limits, simulate_command):
    commands.add_command(command)


async def _serve(settings: Settings, begin: Begin | None = None) -> bool:
    """Run until told to stop, after `begin` if there is something to do first; return whether it was told to."""
    _let_many_in()
    _give_way()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings) as (house, http):
        if begin is not None:
            await begin(house, settings)
        await _greet(house, settings, http)
        spare_the_collector()
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(house.work.failed.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
    return stop.is_set()


def _give_way() -> None:
    # A thread that compacts lets the loop go on within a millisecond instead of five.
    sys.setswitchinterval(0.001)


def _let_many_in() -> None:
    # Each device is an open file, and the usual limit of 1,024 would be the end at a thousand devices.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def spare_the_collector() -> None:
    """Let the garbage collector leave the program alone, and look less often at what messages make."""
    # That is freed by its counts; looking through the whole program every 700 objects costs a tenth.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _demonstrate(house: House, settings: Settings) -> None:
    """Fill a fresh house with the demo's estate, a month of history, and devices that go on speaking."""
    password = secrets.token_urlsafe(9)
    owner = Founding(tenant="Verger demo", name="Demo", email="demo@verger.example", password=password)
    tenant, _ = await house.stores.tenancy.first_run.found(owner, code=None, at_the_machine=True)
    fleet = [who async for who in _settle(house, tenant.id)]
    await _remember(house, tenant.id, fleet)
    house.work.start(live([who for _, who in fleet], Server(settings.mqtt_host, house.mqtt.plain)))
    click.echo(f"\n  Sign in as demo@verger.example with the password {password}\n", err=True)


async def _settle(house: House, tenant: str) -> AsyncIterator[tuple[str, Character]]:
    """Make places, device types and devices; give each device's id and character."""
    grounds = house.grounds
    places: dict[str, str] = {}
    now = moment(grounds.clock.now())
    for key, kind in KINDS.items():
        metrics = [Metric(key=name, unit=metric.unit) for name, metric in kind.metrics.items()]
        made = DeviceType(key=key, name=kind.model, metrics=metrics, created_at=now)
        await grounds.kept.types.add(tenant, made)
    since = moment(grounds.clock.now() - _MONTH)
    for plot in ESTATE:
        parent = places.get(plot.within or "")
        place = Place(
            id=new_id(), name=plot.name, kind=plot.kind, parent=parent, timezone=plot.timezone, created_at=since
        )
        places[plot.name] = (await grounds.places.add(tenant, place)).id
        for name in plot.devices:
            device = Device(id=new_id(), name=name, place=place.id, type=plot.sort, created_at=since)
            device, token = await grounds.provisioning.add(tenant, device)
            yield device.id, Character(token, plot.sort, seed_of(1, f"{plot.name}/{name}"), _LIVE_EVERY_S)


async def _remember(house: House, tenant: str, fleet: Sequence[tuple[str, Character]]) -> None:
    """Write the month before now, day by day, as the simulated devices would have measured it."""
    kept, history = house.stores.kept, house.stores.history
    numbers: dict[tuple[str, str], int] = {}
    for series in await kept.series.create({(tenant, d): list(KINDS[who.kind].metrics) for d, who in fleet}):
        kept.registry.learn(series.device, {series.metric: series.number})
        numbers[series.device, series.metric] = series.number
    end = house.stores.clock.now()
    for start in range(end - _MONTH, end, DAY):
        parts = [
            (np.full(len(part.at), numbers[device, metric], np.uint32), part.at, value)
            for device, who in fleet
            for part in (readings(KINDS[who.kind], who.seed, start, start + DAY, _PAST_EVERY_S),)
            for metric, value in part.values.items()
        ]
        await history.load(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    for device, who in fleet:
        happened = occurrences(KINDS[who.kind], who.seed, end - _MONTH, end)
        if happened:
            said = tuple(Event(each.kind, each.data, each.at, each.id) for each in happened)
            await house.inlet.put(Heard(device, said))


async def _greet(house: House, settings: Settings, http: HttpPorts) -> None:
    pages = f"http://{_address(settings.http_host, http.plain)}"
    ready = f"verger ready http={pages} mqtt={_address(settings.mqtt_host, house.mqtt.plain)}"
    if http.tls is not None:
        ready += f" https=https://{_address(settings.http_host, http.tls)}"
    if house.mqtt.tls is not None:
        ready += f" mqtts={_address(settings.mqtt_host, house.mqtt.tls)}"
    first_run = house.stores.tenancy.first_run
    if await first_run.needed():
        click.echo(f"\n  Open {pages}/setup?code={first_run.code} to set Verger up.\n", err=True)
    print(ready, flush=True)


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def main() -> None:
    """Run a command; exit with 2 and one sentence for wrong usage or settings, 1 for anything else that fails."""
    try:
        commands(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(_USAGE)
    except Refused as refused:
        click.echo(str(refused), err=True)
        sys.exit(_USAGE)
