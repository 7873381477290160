"""The tables of alerts, and of what was said of them."""

from collections.abc import Collection

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    cast,
    false,
    or_,
)

from verger.base.db import Instant, metadata

alert_table = Table(
    "alert",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("place", String(36), nullable=True),
    Column("device", String(36), nullable=True),
    Column("rule", String(80), nullable=False),
    Column("severity", String(10), nullable=False),
    Column("state", String(12), nullable=False),
    Column("message", Text, nullable=False),
    Column("value", Float, nullable=True),
    Column("opened_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("count", Integer, nullable=False),
    Column("acknowledged_by", String(36), nullable=True),
    Column("acknowledged_at", Instant, nullable=True),
    Column("assignee", String(36), ForeignKey("user.id", ondelete="SET NULL"), nullable=True),
    Column("cleared_at", Instant, nullable=True),
    Column("resolved_by", String(36), nullable=True),
    Column("resolved_at", Instant, nullable=True),
    Column("within", String(36), nullable=True, index=True),
    Column("momentary", Boolean, nullable=False, server_default=false()),
    Column("sources", JSON, nullable=False, server_default="[]"),
    Column("version", Integer, nullable=False),
    Column("holds", String(200), nullable=True),  # what it is about while it is open, None once it is over
    UniqueConstraint("tenant", "holds"),
    Index("ix_alert_tenant_opened_at", "tenant", "opened_at"),
)
comment_table = Table(
    "alert_comment",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("alert", String(36), ForeignKey("alert.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("by", String(36), nullable=True),
    Column("kind", String(20), nullable=False),
    Column("text", Text, nullable=False),
)


def of_devices(devices: Collection[str]) -> ColumnElement[bool]:
    """Ask for alerts about some devices, a few hundred at most, or that came of what these said."""
    sources = cast(alert_table.c.sources, Text)
    led = (sources.contains(f'"{device}"', autoescape=True) for device in devices)
    return or_(alert_table.c.device.in_(devices), *led)
