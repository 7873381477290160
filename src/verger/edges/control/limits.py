"""`verger limits`: what organisations may use, shown and changed by whoever has the data folder."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import click

from verger.base.db import Database
from verger.base.errors import Invalid, Missing, Refused
from verger.base.settings import Settings
from verger.domain.tenancy.limits import Limits, LimitStore
from verger.edges.control.caller import ask
from verger.edges.control.listener import Reached, Word

WORD = "limits"


@click.command("limits")
@click.argument("organisation", required=False)
@click.argument("changes", nargs=-1, metavar="[LIMIT=VALUE]...")
def limits(organisation: str | None, changes: Sequence[str]) -> None:
    """Show what organisations may use beyond or below the settings, or change it.

    ORGANISATION is a name or an id. LIMIT= with nothing after it goes back to the setting. A running Verger holds to a
    change at once.
    """
    settings = Settings.read()
    lines = asyncio.run(_limits(settings, organisation, changes))
    if changes:
        with suppress(Refused):  # one that runs another version, or is about to end, looks by itself in half a minute
            ask(settings.data, WORD, {}, lambda _done, _total: None)
    for line in lines:
        click.echo(line)


def words(look: Callable[[], Awaitable[None]]) -> dict[str, Word]:
    """Return the word by which a running Verger is told to look at the limits."""

    async def looked(_given: dict[str, Any], _reached: Reached) -> None:
        await look()

    return {WORD: looked}


async def _limits(settings: Settings, organisation: str | None, changes: Sequence[str]) -> list[str]:
    """Change what is asked for; return a line for each organisation that was asked about."""
    if not (settings.data / "secret.key").exists():
        raise Missing(f"Verger never ran on {settings.data}: start it once, or set VERGER_DATA.")
    db = Database.open(settings.database_url)
    try:
        store = LimitStore(db)
        names = await store.tenants()
        chosen = list(names) if organisation is None else [_named(names, organisation)]
        if changes:
            await store.change(chosen[0], dict(_read(change) for change in changes))
        own = await store.everything()
    finally:
        await db.close()
    return [_line(tenant, names[tenant], own.get(tenant, {})) for tenant in chosen]


def _named(names: dict[str, str], organisation: str) -> str:
    found = [tenant for tenant, name in names.items() if organisation in {tenant, name}]
    if len(found) == 1:
        return found[0]
    if found:
        raise Invalid(
            f"{len(found)} organisations are called {organisation}: name one by its id, {' or '.join(found)}."
        )
    raise Missing(f"There is no organisation {organisation}; there are {', '.join(names.values()) or 'none yet'}.")


def _read(change: str) -> tuple[str, str | None]:
    name, equals, text = change.partition("=")
    if not equals:
        raise Invalid(f"{change} says nothing to change; write {change}=VALUE, with one of {_NAMES}.")
    return name, text or None


def _line(tenant: str, name: str, own: dict[str, str]) -> str:
    told = " ".join(f"{limit}={own[limit]}" for limit in Limits.__struct_fields__ if limit in own)
    return f"{tenant}  {name}  {told or 'as the settings say'}"


_NAMES = ", ".join(Limits.__struct_fields__)
