"""Answers kept for a day under a caller's idempotency key, sealed, since they may hold secrets that are shown once."""

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from verger.base.clock import Clock, moment
from verger.base.db import Database
from verger.base.errors import Conflict, Fault, Invalid
from verger.base.secrets import ServerSecret
from verger.domain.tenancy.tables import idempotency

KEPT = timedelta(hours=24)


class Answers:
    """The only SQL of idempotency keys; `caller` comes first, as the tenant does elsewhere."""

    def __init__(self, db: Database, clock: Clock, secret: ServerSecret) -> None:
        """Keep answers in a database, sealed with the server's secret."""
        self._db = db
        self._clock = clock
        self._secret = secret

    async def begin(self, caller: str, key: str, request: bytes) -> bytes | None:
        """Return the answer kept for this request, or None when it is to be carried out now.

        Raises Invalid when the key stood for another request, Conflict when an earlier attempt was cut short.
        """
        now, mark = moment(self._clock.now()), self._secret.mark(request)
        async with self._db.writing() as connection:
            old = and_(_is(caller, key), idempotency.c.asked_at <= now - KEPT)
            await connection.execute(delete(idempotency).where(old))
            kept = (await connection.execute(select(idempotency).where(_is(caller, key)))).first()
            if kept is None:
                try:
                    values = {"caller": caller, "key": key, "mark": mark, "asked_at": now}
                    await connection.execute(insert(idempotency).values(values))
                except IntegrityError:
                    raise Conflict("The same request is being carried out; repeat it in a moment.") from None
                return None
        if kept.mark != mark:
            sentence = "This Idempotency-Key stood for another request; use a fresh one."
            raise Invalid(sentence, [Fault("Idempotency-Key", sentence)])
        if kept.answer is None:
            raise Conflict("An earlier attempt was cut short; look whether it took effect, then use a fresh key.")
        return self._secret.unseal(kept.answer, f"{caller} {key}")

    async def keep(self, caller: str, key: str, answer: bytes) -> None:
        """Keep the answer to give again."""
        sealed = self._secret.seal(answer, f"{caller} {key}")
        async with self._db.writing() as connection:
            await connection.execute(update(idempotency).where(_is(caller, key)).values(answer=sealed))

    async def forget(self, caller: str, key: str) -> None:
        """Let the key be used again: what was asked had no effect."""
        async with self._db.writing() as connection:
            await connection.execute(delete(idempotency).where(_is(caller, key)))

    async def purge(self) -> None:
        """Remove the answers kept for longer than a day."""
        async with self._db.writing() as connection:
            old = idempotency.c.asked_at <= moment(self._clock.now()) - KEPT
            await connection.execute(delete(idempotency).where(old))


def _is(caller: str, key: str) -> ColumnElement[bool]:
    return and_(idempotency.c.caller == caller, idempotency.c.key == key)
