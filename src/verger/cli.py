"""The command line: serve, demo, simulate, backup, verify, restore, limits, organisation, import-from."""

import asyncio
import gc
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import uvloop

from verger import __version__
from verger.app import House, running
from verger.base.errors import Refused
from verger.base.log import start_logging
from verger.base.settings import Settings, strangers
from verger.edges.api.server import HttpPorts
from verger.edges.control.commands import backup, restore, verify
from verger.edges.control.limits import limits
from verger.edges.control.moving import import_from
from verger.edges.control.organisations import organisation
from verger.simulator.command import simulate_command

_USAGE = 2

Begin = Callable[[House, Settings, HttpPorts], Awaitable[None]]


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


for command in (backup, verify, restore, limits, organisation, import_from, simulate_command):
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
            await begin(house, settings, http)
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


async def _demonstrate(house: House, settings: Settings, http: HttpPorts) -> None:
    """Fill a fresh house with the demo, and tell how to sign in."""
    # What only the demo needs is not loaded by every other start.
    from verger.app.demo import Ports, demonstrate  # noqa: PLC0415

    told = await demonstrate(house, Ports(_near(settings), http.plain, house.mqtt.plain))
    click.echo(f"\n  Sign in as {told.email} with the password {told.password}\n", err=True)


def _near(settings: Settings) -> str:
    """Return the address by which the demo's own devices reach it."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.http_host, settings.http_host)  # noqa: S104


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
