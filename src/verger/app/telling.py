"""How people are told, joined to their screens and to the outside."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from verger.app.stores import Stores
from verger.base.clock import DAY, moment
from verger.base.lookups import Lookups
from verger.base.work import Work, every
from verger.domain.alerts.model import Severity
from verger.edges.live.hub import Hub
from verger.edges.outside.courier import Courier
from verger.edges.outside.http import Http
from verger.edges.outside.mail import Mailer
from verger.edges.outside.webpush import public, server_key, text
from verger.flows.calling import Calling
from verger.flows.delivering import Delivering
from verger.flows.notifying import Notifying
from verger.flows.oversight import Figure
from verger.flows.telling import Telling
from verger.flows.trying import Trying
from verger.flows.watching import Asked

_FORGET_S = 600.0


@dataclass(frozen=True)
class Voice:
    """What tells people and other programs, and what people say to it."""

    notifying: Notifying
    delivering: Delivering
    telling: Telling
    calling: Calling
    trying: Trying
    lookups: Lookups

    @property
    def checks(self) -> tuple[Asked, ...]:
        """Return how it is asked whether Verger itself can tell people and other programs."""
        return (
            Asked("notices", self.notifying.check, Severity.critical),
            Asked("deliveries", self.delivering.check, Severity.critical),
            Asked("calls", self.calling.check),
        )

    def figures(self) -> Iterator[Figure]:
        """Return the figures of all that leaves the house."""
        yield from self.notifying.figures()
        yield from self.delivering.figures()
        yield from self.calling.figures()
        yield Figure("lookups_running", "Names that are being looked up", self.lookups.running)
        yield Figure("lookups_waiting", "Names that wait to be looked up", self.lookups.waiting)


def open_telling(stores: Stores, hub: Hub, work: Work) -> Voice:
    """Begin to spread what is put into the outbox, to deliver it, and to make the calls of rules."""
    room, clock, home = stores.mailroom, stores.clock, stores.settings.public_url
    courier = _courier(stores)
    voice = Voice(
        Notifying(room, stores.tenancy.members, hub, clock),
        Delivering(room, stores.tenancy, courier, clock, home),
        Telling(room, hub, courier, clock, home, text(public(courier.key))),
        Calling(stores.callbook, courier, clock, stores.settings.webhook_hours),
        Trying(stores.rules.rules, stores.callbook, courier, clock),
        stores.outgoing.lookups,
    )
    for loop in (
        voice.notifying.run(),
        voice.delivering.run(),
        voice.calling.run(),
        every(_FORGET_S, partial(_forget, stores)),
    ):
        work.start(loop)
    return voice


def _courier(stores: Stores) -> Courier:
    settings, clock = stores.settings, stores.clock
    mail = Mailer(settings.smtp_url, settings.mail_from, stores.outgoing, clock)
    address = settings.mail_from.rpartition("<")[2].strip(">")
    contact = settings.public_url if settings.public_url.startswith("https:") else f"mailto:{address}"
    return Courier(Http(stores.outgoing), mail, clock, server_key(stores.secret), contact)


async def _forget(stores: Stores) -> None:
    """Remove notices that are too old, some at a time."""
    before = moment(stores.clock.now() - stores.settings.notification_days * DAY)
    more = True
    while more:
        async with stores.db.writing() as connection:
            more = await stores.outbox.forget(connection, before) > 0
