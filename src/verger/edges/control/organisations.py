"""`verger organisation`: the organisations of this Verger, listed and added by whoever has the data folder."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from verger.base.clock import SystemClock
from verger.base.db import Database
from verger.base.errors import Invalid, Missing, Refused
from verger.base.plural import counted
from verger.base.settings import Settings
from verger.domain.tenancy.members import Members
from verger.domain.tenancy.model import Founding
from verger.domain.tenancy.passwords import Passwords
from verger.domain.tenancy.users import Users

T = TypeVar("T")
_KNOWN = "a password nobody is asked for"


@click.group("organisation")
def organisation() -> None:
    """Let this Verger hold several organisations, which see nothing of each other."""


@organisation.command("list")
def show() -> None:
    """List the organisations, who runs this Verger first."""
    for line in asyncio.run(_with(_lines)):
        click.echo(line)


@organisation.command("add")
@click.argument("name")
@click.option("--owner", "email", required=True, help="The owner's e-mail address; who has an account keeps it.")
@click.option("--owner-name", default="", help="What a new owner is called; the address before the @ if not said.")
@click.option("--timezone", default="UTC", show_default=True, help="Of its places unless they say otherwise.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With the first password of a new owner; asked for, or read from standard input, if not said.",
)
def add(name: str, email: str, owner_name: str, timezone: str, password_file: Path | None) -> None:
    """Add the organisation NAME with its owner; Verger may run meanwhile, and it is there at once."""
    known = asyncio.run(_with(lambda users, _members: users.known(email)))
    password = _KNOWN if known else _password(password_file)
    person = owner_name or (known.name if known else email.strip().partition("@")[0])
    told = {"tenant": name, "name": person, "email": email, "password": password, "timezone": timezone}
    founding = _founding(told)
    tenant, owner = asyncio.run(_with(lambda users, _members: users.found_another(founding)))
    click.echo(f"{tenant.id}  {tenant.name}  owned by {owner.email}{', who had an account' if known else ''}")


def _password(file: Path | None) -> str:
    if file is None and not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    if file is None:
        word: str = click.prompt("Password of the owner", hide_input=True, confirmation_prompt=True)
        return word
    try:
        return file.read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file} cannot be read: {error}.") from None


def _founding(told: dict[str, str]) -> Founding:
    try:
        return msgspec.convert(told, Founding)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("$.")[2].rstrip("`")
        wanted = {
            "tenant": "Name the organisation in 1 to 120 characters.",
            "name": "Name the owner in 1 to 120 characters.",
            "email": "The owner needs an e-mail address, such as aino@example.org.",
        }
        raise Invalid(wanted.get(field, f"{field or 'This'} cannot be used.")) from None


async def _lines(users: Users, members: Members) -> list[str]:
    lines = []
    for tenant in await users.tenants():
        count = len(await members.everyone(tenant.id))
        lines.append(f"{tenant.id}  {tenant.name}  {tenant.timezone}  {counted(count, 'member')}")
    return lines


async def _with(do: Callable[[Users, Members], Awaitable[T]]) -> T:
    """Do something with the people that are kept in the data folder."""
    settings = Settings.read()
    if not (settings.data / "secret.key").exists():
        raise Missing(f"Verger never ran on {settings.data}: start it once, or set VERGER_DATA.")
    db = Database.open(settings.database_url)
    try:
        return await do(Users(db, SystemClock(), Passwords()), Members(db))
    finally:
        await db.close()
