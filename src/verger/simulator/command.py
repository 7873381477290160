"""`verger simulate`: simulated devices of any dialect, over real sockets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from verger.base.errors import Invalid
from verger.base.log import start_logging
from verger.simulator import native, outlet, plant
from verger.simulator.faults import NAMES, read_faults
from verger.simulator.fleet import MQTT_PORT, Wish, firmware_of
from verger.simulator.life import Door
from verger.simulator.plant import read_pairs
from verger.simulator.run import DIALECTS, VERSIONS, Server, read_tokens, simulate, simulate_family

_EVERY_S = 10.0  # of native devices

_FAULTS = f"There are all, {', '.join(NAMES)}."

Command = Callable[..., Any]


def _asked(command: Command) -> Command:
    """Add what can be asked of devices of every dialect."""
    several = (
        click.option("--seed", type=int, default=1, show_default=True, help="The same seed, the same devices."),
        click.option("--port", type=click.IntRange(1, 65535), help="Verger's port; the usual one if not said."),
        click.option("--host", default="127.0.0.1", show_default=True),
        click.option(
            "--every", "every_s", type=float, help="Seconds between measurements; the family's own if not said."
        ),
        click.option("--devices", type=int, help="How many; three, or as many as have a token or a pair."),
        click.option("--dialect", type=click.Choice(DIALECTS), default=DIALECTS[0], show_default=True),
    )
    for option in several:
        command = option(command)
    return command


@click.command("simulate")
@_asked
@click.option("--key", default="", help="Families: the key of an enrolment.")
@click.option("--pairs", type=click.Path(path_type=Path), help="plant: a file of credentials, one a line.")
@click.option("--pages", type=click.IntRange(1, 65535), help="outlet: port of the first control unit's own pages.")
@click.option("--firmware", default="", help="Families: which generation of the devices; the usual one if not said.")
@click.option("--faults", default="", help=f"Families: what goes wrong, such as wifi,twice:0.1. {_FAULTS}")
@click.option("--token", "given", multiple=True, help="native: an access token; may be repeated.")
@click.option("--tokens", type=click.Path(path_type=Path), help="native: a file of access tokens, one a line.")
@click.option("--kind", help="native: what kind of device they are; all kinds in turn if not said.")
@click.option("--mqtt", type=click.Choice(list(VERSIONS)), default="3.1.1", show_default=True, help="native.")
def simulate_command(dialect: str, **asked: Any) -> None:
    """Let simulated devices speak over real sockets until stopped."""
    start_logging()
    if dialect == native.NAME:
        _native(**asked)
    else:
        _family(dialect, **asked)


def _native(*, host: str, port: int | None, every_s: float | None, **asked: Any) -> None:
    _fit(native.NAME, asked, "key", "pairs", "firmware", "faults", "pages")
    server = Server(host, port or MQTT_PORT, asked["mqtt"])
    tokens = read_tokens(asked["tokens"], asked["given"])
    every_s = _EVERY_S if every_s is None else every_s
    wish = {"devices": asked["devices"], "kind": asked["kind"], "seed": asked["seed"]}
    simulate(native.NAME, server, tokens, every_s=every_s, **wish)


def _family(dialect: str, *, host: str, port: int | None, key: str, pairs: Path | None, **asked: Any) -> None:
    _fit(dialect, asked, "given", "tokens", "kind", *(() if dialect == outlet.NAME else ("pages",)))
    if dialect == plant.NAME and pairs is None:
        raise Invalid("Pis sign in: write what Verger shows when one is added, one a line, to a file for --pairs.")
    wish = Wish(
        devices=asked["devices"],
        every_s=asked["every_s"],
        firmware=asked["firmware"],
        faults=read_faults(asked["faults"]),
        pairs=[] if pairs is None else read_pairs(pairs),
        seed=asked["seed"],
        pages=asked["pages"],
    )
    firmware = firmware_of(dialect, wish.firmware)
    simulate_family(dialect, Door(host, port or firmware.port, key), wish)


def _fit(dialect: str, asked: dict[str, Any], *others: str) -> None:
    """Raise Invalid for options that mean nothing to a dialect."""
    wrong = next((name for name in others if asked.get(name)), None)
    if wrong is not None:
        name = "token" if wrong == "given" else wrong
        raise Invalid(f"Leave out --{name}: {dialect} devices have no use for it.")
