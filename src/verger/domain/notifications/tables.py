"""The tables of notifications; where people are reached stands in them sealed."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from verger.base.db import Instant, metadata

_ID = String(36)


def _tenant(*, primary_key: bool = False) -> Column[str]:
    tie = ForeignKey("tenant.id", ondelete="CASCADE")
    return Column("tenant", _ID, tie, primary_key=primary_key, nullable=False)


def _user(*, primary_key: bool = False) -> Column[str]:
    tie = ForeignKey("user.id", ondelete="CASCADE")
    return Column("user", _ID, tie, primary_key=primary_key, nullable=False, index=True)


notice = Table(
    "notice",
    metadata,
    Column("id", _ID, primary_key=True),
    _tenant(),
    Column("at", Instant, nullable=False, index=True),
    Column("severity", String(10), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("title", String(200), nullable=False),
    Column("to", String(80), nullable=False),
    Column("body", Text, nullable=False),
    Column("subject", String(120), nullable=True),
    Column("place", _ID, nullable=True),
    Column("device", _ID, nullable=True),
    Column("spread", Boolean, nullable=False),  # whether each person has it
    Index("ix_notice_spread", "spread", "id"),
)

notification = Table(
    "notification",
    metadata,
    Column("id", _ID, primary_key=True),
    _tenant(),
    _user(),
    Column("notice", _ID, ForeignKey("notice.id", ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("read_at", Instant, nullable=True),
    UniqueConstraint("notice", "user"),
    Index("ix_notification_tenant_user_at", "tenant", "user", "at"),
)

preference = Table(
    "notification_preference",
    metadata,
    _tenant(primary_key=True),
    _user(primary_key=True),
    Column("choices", JSON, nullable=False),
    Column("version", Integer, nullable=False),
)

target = Table(
    "notification_target",
    metadata,
    Column("id", _ID, primary_key=True),
    _tenant(),
    _user(),
    Column("kind", String(20), nullable=False),
    Column("name", String(120), nullable=False),
    Column("address", String(300), nullable=False),  # as much of it as may be shown
    Column("severities", JSON, nullable=False),
    Column("way", LargeBinary, nullable=False),  # sealed
    Column("failures", Integer, nullable=False),  # in a row
    Column("error", Text, nullable=True),
    Column("delivered_at", Instant, nullable=True),
    Column("paused_at", Instant, nullable=True),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_notification_target_tenant_user", "tenant", "user"),
)

delivery = Table(
    "notification_delivery",
    metadata,
    Column("id", _ID, primary_key=True),
    _tenant(),
    Column("target", _ID, ForeignKey("notification_target.id", ondelete="CASCADE"), nullable=False),
    Column("notification", _ID, ForeignKey("notification.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("severity", String(10), nullable=False),
    Column("state", String(10), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("message", _ID, nullable=True),  # what it leaves the house in, from the first attempt on
    Column("sent_at", Instant, nullable=True),
    Column("error", Text, nullable=True),
    Index("ix_notification_delivery_state_due_at", "state", "due_at"),
    Index("ix_notification_delivery_target_sent_at", "target", "sent_at"),
)
