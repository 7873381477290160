"""The tables of tenancy; secrets stand in them as digests only."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from verger.base.db import Instant, metadata

_ID = String(36)
_DIGEST = String(64)


def _tenant(*, primary_key: bool = False) -> Column[str]:
    return Column("tenant", _ID, ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=primary_key, nullable=False)


def _user(name: str = "user", *, primary_key: bool = False) -> Column[str]:
    tie = ForeignKey("user.id", ondelete="CASCADE")
    return Column(name, _ID, tie, primary_key=primary_key, nullable=False, index=True)


tenant = Table(
    "tenant",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", String(120), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
)

user = Table(
    "user",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", String(120), nullable=False),
    Column("email", String(254), nullable=False),
    Column("known_as", String(254), nullable=False, unique=True),
    Column("password", Text, nullable=False),  # argon2id
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
)

membership = Table(
    "membership",
    metadata,
    _tenant(primary_key=True),
    _user(primary_key=True),
    Column("role", String(16), nullable=False),
    Column("joined_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("digest", _DIGEST, primary_key=True),
    _user(),
    # The tenant last used in it, None once that is gone.
    Column("tenant", _ID, ForeignKey("tenant.id", ondelete="SET NULL"), nullable=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", _ID, primary_key=True),
    _tenant(),
    Column("digest", _DIGEST, nullable=False, unique=True),
    Column("name", String(120), nullable=False),
    Column("role", String(16), nullable=False),
    Column("scopes", JSON, nullable=False),
    _user("made_by"),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=True),
    Column("version", Integer, nullable=False),
)
Index("ix_api_key_tenant", api_key.c.tenant, api_key.c.id)

idempotency = Table(
    "idempotency",
    metadata,
    Column("caller", String(80), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("mark", _DIGEST, nullable=False),  # of the request it stands for
    Column("answer", LargeBinary, nullable=True),  # sealed; None while the request runs
    Column("asked_at", Instant, nullable=False, index=True),
)
