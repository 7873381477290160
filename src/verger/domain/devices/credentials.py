"""Credentials: how a device proves who it is. Only hashes are kept."""

from sqlalchemy import Column, ForeignKey, String, Table, delete, select

from verger.base.clock import Clock, moment
from verger.base.db import Database, Instant, metadata
from verger.base.secrets import digest, new_token

KIND = "vt"

credential_table = Table(
    "credential",
    metadata,
    Column("device", String(36), ForeignKey("device.id"), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
)


class CredentialStore:
    """Where the hashes of access tokens are kept, one for each device."""

    def __init__(self, db: Database, clock: Clock) -> None:
        """Keep them in a database."""
        self._db = db
        self._clock = clock

    async def renew(self, tenant: str, device: str) -> tuple[str, str]:
        """End a device's access token and give it a new one; return that, which cannot be read again, and its hash."""
        token = new_token(KIND)
        token_hash = digest(token)
        async with self._db.writing() as connection:
            await connection.execute(
                delete(credential_table).where(credential_table.c.tenant == tenant, credential_table.c.device == device)
            )
            await connection.execute(
                credential_table.insert().values(
                    device=device, tenant=tenant, token_hash=token_hash, created_at=moment(self._clock.now())
                )
            )
        return token, token_hash

    async def end(self, tenant: str, device: str) -> None:
        """Take a device's token away."""
        async with self._db.writing() as connection:
            await connection.execute(
                delete(credential_table).where(credential_table.c.tenant == tenant, credential_table.c.device == device)
            )

    async def everything(self) -> list[tuple[str, str]]:
        """Return (device, token hash) of every tenant, to fill the registry at start."""
        query = select(credential_table.c.device, credential_table.c.token_hash)
        async with self._db.reading() as connection:
            return [(row.device, row.token_hash) for row in await connection.execute(query)]
