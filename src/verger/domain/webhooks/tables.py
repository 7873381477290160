"""The tables of calls, of whom they fail at, and of what signs them."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from verger.base.db import Instant, metadata

callout = Table(
    "callout",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column(
        "run",
        String(36),
        ForeignKey("rule_run.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED"),
        nullable=False,
        index=True,
    ),
    Column("target", String(300), nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # address and body
    Column("at", Instant, nullable=False, index=True),
    Column("due_at", Instant, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=True),
    Index("ix_callout_tenant_target", "tenant", "target"),
)
trouble = Table(
    "callout_trouble",
    metadata,
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True),
    Column("target", String(300), primary_key=True),
    Column("failures", Integer, nullable=False),  # in a row
    Column("error", Text, nullable=False),
    Column("at", Instant, nullable=False),  # of the last one
    Column("rests_until", Instant, nullable=True),
)
signing = Table(
    "signing_secret",
    metadata,
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True),
    Column("secrets", LargeBinary, nullable=False),  # sealed; the newest first
    Column("made_at", Instant, nullable=False),
    Column("previous_until", Instant, nullable=True),
    Column("version", Integer, nullable=False),
)
