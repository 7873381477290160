"""The command line: serve, demo, simulate."""

import asyncio
import signal
import sys
from pathlib import Path

import click
import uvloop

from verger import __version__
from verger.app import House, running
from verger.base.errors import Refused
from verger.base.log import start_logging
from verger.base.settings import Settings, strangers
from verger.simulator.run import DIALECTS, VERSIONS, Server, read_tokens, simulate

_USAGE = 2


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


@commands.command("simulate")
@click.option("--dialect", type=click.Choice(DIALECTS), default=DIALECTS[0], show_default=True)
@click.option("--devices", type=int, help="How many; as many as there are tokens if not said.")
@click.option("--every", "every_s", type=float, default=10.0, show_default=True, help="Seconds between measurements.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=1883, show_default=True)
@click.option("--mqtt", type=click.Choice(list(VERSIONS)), default="3.1.1", show_default=True)
@click.option("--token", "given", multiple=True, help="An access token; may be repeated.")
@click.option("--tokens", type=click.Path(path_type=Path), help="A file of access tokens, one a line.")
@click.option("--kind", help="What kind of device they are; all kinds in turn if not said.")
@click.option("--seed", type=int, default=1, show_default=True)
def simulate_command(  # noqa: PLR0913, PLR0917  each is one option of the command
    dialect: str,
    devices: int | None,
    every_s: float,
    host: str,
    port: int,
    mqtt: str,
    given: tuple[str, ...],
    tokens: Path | None,
    kind: str | None,
    seed: int,
) -> None:
    """Let simulated devices speak over real sockets until stopped."""
    start_logging()
    found = read_tokens(tokens, given)
    simulate(dialect, Server(host, port, mqtt), found, devices=devices, every_s=every_s, kind=kind, seed=seed)


async def _serve(settings: Settings) -> bool:
    """Run until told to stop; return whether it stopped because it was told to."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings) as (house, http_port, mqtt_port):
        await _greet(house, settings, http_port, mqtt_port)
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(house.work.failed.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
    return stop.is_set()


async def _greet(house: House, settings: Settings, http_port: int, mqtt_port: int) -> None:
    http, mqtt = _address(settings.http_host, http_port), _address(settings.mqtt_host, mqtt_port)
    first_run = house.stores.tenancy.first_run
    if await first_run.needed():
        click.echo(f"\n  Open http://{http}/setup?code={first_run.code} to set Verger up.\n", err=True)
    print(f"verger ready http=http://{http} mqtt={mqtt}", flush=True)


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
