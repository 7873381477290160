"""Ways: where devices were heard over bridges, so that they can be told something there, also after a restart."""

from collections.abc import Mapping

from msgspec import Struct, structs
from sqlalchemy import Column, ForeignKey, String, Table, Text, delete, select

from verger.base.db import Database, metadata
from verger.domain.bridges.store import bridge_table


class Way(Struct, frozen=True):
    """How a device is told something over a bridge: in its `dialect`, at topics that begin with `prefix`.

    `reach` is whatever its dialect needs to find it again. It listens `at` a topic filter, "" where that is not known.
    """

    dialect: str
    prefix: str
    reach: str = ""
    at: str = ""


way_table = Table(
    "bridge_way",
    metadata,
    Column("bridge", String(36), ForeignKey("bridge.id", ondelete="CASCADE"), primary_key=True),
    Column("device", String(36), ForeignKey("device.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("dialect", String(40), nullable=False),
    Column("prefix", Text, nullable=False),
    Column("reach", Text, nullable=False),
    Column("at", Text, nullable=False),
)
_TABLE = way_table.c
_AT_ONCE = 500


class WayStore:
    """Where ways are kept."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def of(self, tenant: str, bridge: str) -> dict[str, Way]:
        """Return the ways over a bridge by device."""
        columns = [_TABLE[name] for name in Way.__struct_fields__]
        query = select(_TABLE.device, *columns).where(_TABLE.tenant == tenant, _TABLE.bridge == bridge)
        async with self._db.reading() as connection:
            return {device: Way(*way) for device, *way in await connection.execute(query)}

    async def keep(self, tenant: str, bridge: str, ways: Mapping[str, Way]) -> None:
        """Keep the ways of some devices anew; of a bridge that has ended nothing."""
        devices = list(ways)
        there = select(bridge_table.c.id).where(bridge_table.c.tenant == tenant, bridge_table.c.id == bridge)
        for some in (devices[begin : begin + _AT_ONCE] for begin in range(0, len(devices), _AT_ONCE)):
            whose = {"bridge": bridge, "tenant": tenant}
            rows = [structs.asdict(ways[device]) | whose | {"device": device} for device in some]
            mine = (_TABLE.tenant == tenant, _TABLE.bridge == bridge, _TABLE.device.in_(some))
            async with self._db.writing() as connection:
                if await connection.scalar(there) is None:
                    return
                await connection.execute(delete(way_table).where(*mine))
                await connection.execute(way_table.insert(), rows)
