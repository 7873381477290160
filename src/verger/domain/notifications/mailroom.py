"""All that is kept of notifications, in one hand."""

from dataclasses import dataclass
from typing import Self

from verger.base.clock import Clock
from verger.base.db import Database
from verger.base.secrets import ServerSecret
from verger.domain.notifications.deliveries import DeliveryStore
from verger.domain.notifications.inbox import Inbox
from verger.domain.notifications.outbox import Outbox
from verger.domain.notifications.preferences import PreferenceStore
from verger.domain.notifications.targets import TargetStore


@dataclass(frozen=True)
class Mailroom:
    """The stores of one noun."""

    db: Database
    outbox: Outbox
    inbox: Inbox
    targets: TargetStore
    deliveries: DeliveryStore
    preferences: PreferenceStore

    @classmethod
    def over(cls, db: Database, clock: Clock, secret: ServerSecret) -> Self:
        """Return the stores over one database."""
        return cls(db, Outbox(db, clock), Inbox(db), TargetStore(db, secret), DeliveryStore(db), PreferenceStore(db))
