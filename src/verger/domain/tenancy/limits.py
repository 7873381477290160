"""Limits: what an organisation may use. Only the operator of the installation changes them."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import Column, ForeignKey, String, Table, delete, insert, select

from verger.base.db import Database, metadata
from verger.base.errors import Fault, Invalid
from verger.base.rates import FORM, rate
from verger.domain.tenancy import tables

tenant_limit_table = Table(
    "tenant_limit",
    metadata,
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("value", String(200), nullable=False),
)
_RATES = frozenset({"messages", "data_points"})
_LEAST = {"packet_bytes": 256, "connections": 0, "inbox_bytes": 1024}
_MOST = {"inbox_messages": 30_000, "inbox_bytes": 1 << 30, "inbox_days": 3650, "stranger_readings": 1_000_000}
_ANY = 1 << 40


class Limits(Struct, frozen=True, kw_only=True):
    """What one organisation may use: a rate is written "200:1,6000:60", empty for no bound; 0 connections is none.

    `messages`, `series`, `attributes` and `packet_bytes` are of one device, `api_per_s` and `api_burst` of one caller,
    `inbox_…` of one session of MQTT, `stranger_readings` of one device that waits to be adopted.
    """

    connections: int = 0
    data_points: str = ""
    messages: str = ""
    series: int = 200
    attributes: int = 500
    packet_bytes: int = 65_536
    api_per_s: int = 100
    api_burst: int = 2_000
    inbox_messages: int = 1_000
    inbox_bytes: int = 1 << 20
    inbox_days: int = 7
    stranger_readings: int = 1_000

    def changed(self, own: Mapping[str, str]) -> "Limits":
        """Return the same limits with an organisation's own put in."""
        return structs.replace(self, **{name: value(name, text) for name, text in own.items()})


_USUAL = Limits()


def value(name: str, text: str) -> Any:
    """Return the value of a limit as it is written; raise Invalid with what to write instead."""
    if name not in Limits.__struct_fields__:
        names = ", ".join(Limits.__struct_fields__)
        raise Invalid(f"There is no limit {name}; there are {names}.", [Fault(name, f"Choose one of {names}.")])
    least, most = _LEAST.get(name, 1), _MOST.get(name, _ANY)
    bounded = f"from {least} to {most}" if name in _MOST else f"of {least} or more"
    wanted = FORM if name in _RATES else f"a whole number {bounded}"
    if name in _RATES:
        with suppress(ValueError):
            return rate(text)
    elif text.isdecimal() and least <= int(text[:18]) <= most:
        return int(text)
    raise Invalid(f"{name} is {text!r}; write {wanted}.", [Fault(name, f"Write {wanted}.")])


class LimitStore:
    """Where the limits that differ from the settings are kept."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def everything(self) -> dict[str, dict[str, str]]:
        """Return the own limits of every organisation that has some."""
        table, found = tenant_limit_table.c, dict[str, dict[str, str]]()
        async with self._db.reading() as connection:
            for row in await connection.execute(select(table.tenant, table.name, table.value)):
                found.setdefault(row.tenant, {})[row.name] = row.value
        return found

    async def tenants(self) -> dict[str, str]:
        """Return the names of all organisations by id, for the operator."""
        async with self._db.reading() as connection:
            query = select(tables.tenant.c.id, tables.tenant.c.name).order_by(tables.tenant.c.name)
            return {row.id: row.name for row in await connection.execute(query)}

    async def change(self, tenant: str, own: Mapping[str, str | None]) -> None:
        """Give an organisation limits of its own, None for what the settings say; raise Invalid."""
        for name, text in own.items():
            value(name, str(getattr(_USUAL, name, "")) if text is None else text)
        table = tenant_limit_table.c
        async with self._db.writing() as connection:
            await connection.execute(
                delete(tenant_limit_table).where(table.tenant == tenant, table.name.in_(list(own)))
            )
            for name, text in own.items():
                if text is not None:
                    await connection.execute(insert(tenant_limit_table).values(tenant=tenant, name=name, value=text))
