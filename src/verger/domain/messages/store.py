"""Where sessions, their inboxes, wills and retained messages are kept."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Select,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, metadata
from verger.domain.messages.bequest import Bequest, LastWill
from verger.domain.messages.memory import Changes
from verger.domain.messages.model import Letter, Message, Subscription
from verger.domain.messages.standing import Standing
from verger.domain.messages.topics import tells_of

LONGEST_TOPIC = 1024
MOST_SENT = 100

session_table = Table(
    "message_session",
    metadata,
    Column("name", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("owner", String(80), nullable=False),
    Column("client_id", String(256), nullable=False),
    Column("expiry_s", BigInteger, nullable=False),
    Column("left_at", BigInteger, nullable=True),
    Column("state", LargeBinary, nullable=False),
)
letter_table = Table(
    "message_letter",
    metadata,
    Column("session", String(36), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("qos", Integer, nullable=False),
    Column("released", Boolean, nullable=False),
    Column("message", LargeBinary, nullable=False),
)
retained_table = Table(
    "message_retained",
    metadata,
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True),
    Column("topic", String(LONGEST_TOPIC), primary_key=True),
    Column("message", LargeBinary, nullable=False),
    Column("until", BigInteger, nullable=False),
)
will_table = Table(
    "message_will",
    metadata,
    Column("owner", String(80), primary_key=True),
    Column("client_id", String(256), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("due_at", BigInteger, nullable=True),
    Column("will", LargeBinary, nullable=False),
)


class _State(Struct, array_like=True, omit_defaults=True):
    subscriptions: dict[str, Subscription]
    received: list[int]
    sent: int = 0  # the last letter that its client may have
    counted: int = 0  # the last message at QoS 2 that was received


class _Written(Struct, array_like=True, omit_defaults=True):
    message: Message
    retain: bool = False
    identifiers: tuple[int, ...] = ()


_PACK = msgspec.msgpack.Encoder()
_STATE = msgspec.msgpack.Decoder(_State)
_WRITTEN = msgspec.msgpack.Decoder(_Written)
_MESSAGE = msgspec.msgpack.Decoder(Message)
_LAST_WILL = msgspec.msgpack.Decoder(LastWill)


class Page(Struct):
    """What is to be written in one transaction, in rows of the tables."""

    ended: list[str] = []
    sessions: list[dict[str, object]] = []
    fresh: list[dict[str, object]] = []
    released: list[dict[str, object]] = []
    gone: list[dict[str, object]] = []
    unretained: list[dict[str, object]] = []
    retained: list[dict[str, object]] = []
    willless: list[dict[str, object]] = []
    wills: list[dict[str, object]] = []

    def session(self, standing: Standing, changes: Changes) -> None:
        """Add what of a session is other than on disk, as it is this moment."""
        memory = standing.memory
        if changes.state:
            state = _State(memory.subscriptions, sorted(memory.received), memory.sent, memory.counted)
            names = ("tenant", "owner", "client_id", "expiry_s", "left_at")
            row = {name: getattr(standing, name) for name in names}
            self.sessions.append({"name": memory.name, **row, "state": _PACK.encode(state)})
        self.fresh += [_row(memory.name, letter) for letter in changes.fresh.values()]
        self.released += [{"of": memory.name, "is": number} for number in changes.released]
        self.gone += [{"of": memory.name, "is": number} for number in changes.gone]

    def retain(self, tenant: str, topic: str, kept: tuple[Message, int] | None) -> None:
        """Add what is retained at a topic from now on and until when, None for nothing."""
        self.unretained.append({"of": tenant, "at": topic})
        if kept is not None:
            row = {"message": _PACK.encode(kept[0]), "until": kept[1]}
            self.retained.append({"tenant": tenant, "topic": topic, **row})

    def will(self, owner: str, client_id: str, bequest: Bequest | None) -> None:
        """Add the will of a client from now on, None for none."""
        self.willless.append({"of": owner, "is": client_id})
        if bequest is not None:
            row = {"due_at": bequest.due_at, "will": _PACK.encode(bequest.will)}
            self.wills.append({"owner": owner, "client_id": client_id, "tenant": bequest.tenant, **row})


class Found(Struct):
    """A session as it was on disk, its letters the oldest first."""

    standing: Standing
    name: str
    subscriptions: dict[str, Subscription]
    received: set[int]
    letters: list[Letter]
    counted: int = 0


class MessageStore:
    """The only SQL of sessions, letters, wills and retained messages."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def write(self, page: Page) -> None:
        """Write a page, all of it or nothing."""
        session, letter, retained = session_table.c, letter_table.c, retained_table.c
        this = (letter.session == bindparam("of"), letter.number == bindparam("is"))
        there = (retained.tenant == bindparam("of"), retained.topic == bindparam("at"))
        whose = (will_table.c.owner == bindparam("of"), will_table.c.client_id == bindparam("is"))
        names = [{"of": name} for name in page.ended]
        rewritten = [{"of": row["name"]} for row in page.sessions]
        async with self._db.writing() as connection:
            for statement, rows in (
                (delete(letter_table).where(letter.session == bindparam("of")), names),
                (delete(session_table).where(session.name == bindparam("of")), names + rewritten),
                (insert(session_table), page.sessions),
                (insert(letter_table), page.fresh),
                (update(letter_table).where(*this).values(released=True), page.released),
                (delete(letter_table).where(*this), page.gone),
                (delete(retained_table).where(*there), page.unretained),
                (insert(retained_table), page.retained),
                (delete(will_table).where(*whose), page.willless),
                (insert(will_table), page.wills),
            ):
                if rows:
                    await connection.execute(statement, rows)

    async def empty(self) -> int:
        """Empty the inboxes of all tenants, and forget all wills; return how many messages were in inboxes."""
        async with self._db.writing() as connection:
            await connection.execute(delete(will_table))
            return (await connection.execute(delete(letter_table))).rowcount

    async def forget(self, tenant: str, ids: Collection[str]) -> None:
        """Drop what waits, is retained or left of devices and places; to be done before anybody has a session."""
        letter, kept = letter_table.c, retained_table.c
        whose = letter.session.in_(select(session_table.c.name).where(session_table.c.tenant == tenant))
        async with self._db.writing() as connection:
            rows = await connection.execute(select(letter_table).where(whose))
            found = [(row, _WRITTEN.decode(row.message).message) for row in rows]
            gone = [
                {"of": row.session, "is": row.number} for row, said in found if tells_of(said.topic, said.body, ids)
            ]
            rows = await connection.execute(select(retained_table).where(kept.tenant == tenant))
            said = [(row.topic, _MESSAGE.decode(row.message).body) for row in rows]
            bare = [{"at": topic} for topic, body in said if tells_of(topic, body, ids)]
            if gone:
                this = (letter.session == bindparam("of"), letter.number == bindparam("is"))
                await connection.execute(delete(letter_table).where(*this), gone)
            if bare:
                there = (kept.tenant == tenant, kept.topic == bindparam("at"))
                await connection.execute(delete(retained_table).where(*there), bare)
            await _forget_wills(connection, tenant, ids)

    async def sessions(self) -> list[Found]:
        """Return every session that is on disk."""
        async with self._db.reading() as connection:
            letters = await _letters(connection)
            rows = (await connection.execute(select(session_table))).all()
        found = []
        for row in rows:
            state = _STATE.decode(row.state)
            standing = Standing(row.tenant, row.owner, row.client_id, row.expiry_s, row.left_at)
            mine = letters.get(row.name, [])
            # After a crash nobody knows what a client got that was connected then: as much as it may be sent at once.
            sent = state.sent if row.left_at is not None else max((each.number for each in mine[:MOST_SENT]), default=0)
            for letter in mine:
                letter.sent = letter.number <= sent
            received, counted = set(state.received), state.counted
            found.append(Found(standing, row.name, state.subscriptions, received, mine, counted))
        return found

    async def retained(self) -> Sequence[tuple[str, Message, int]]:
        """Return every retained message: whose it is, the message, and until when it stays."""
        query = select(retained_table.c.tenant, retained_table.c.message, retained_table.c.until)
        async with self._db.reading() as connection:
            rows = await connection.execute(query)
            return [(row.tenant, _MESSAGE.decode(row.message), row.until) for row in rows]

    async def wills(self) -> list[Bequest]:
        """Return every will that is on disk."""
        async with self._db.reading() as connection:
            return await _bequests(connection, select(will_table))


async def _bequests(connection: AsyncConnection, query: Select[Any]) -> list[Bequest]:
    rows = await connection.execute(query)
    return [Bequest(row.tenant, row.owner, row.client_id, _LAST_WILL.decode(row.will), row.due_at) for row in rows]


async def _forget_wills(connection: AsyncConnection, tenant: str, ids: Collection[str]) -> None:
    will = will_table.c
    found = await _bequests(connection, select(will_table).where(will.tenant == tenant))
    gone = [
        {"of": each.owner, "is": each.client_id}
        for each in found
        if each.owner in ids or tells_of(each.will.message.topic, each.will.message.body, ids)
    ]
    if gone:
        whose = (will.owner == bindparam("of"), will.client_id == bindparam("is"))
        await connection.execute(delete(will_table).where(*whose), gone)


async def _letters(connection: AsyncConnection) -> dict[str, list[Letter]]:
    found: dict[str, list[Letter]] = {}
    query = select(letter_table).order_by(letter_table.c.session, letter_table.c.number)
    for row in await connection.execute(query):
        written = _WRITTEN.decode(row.message)
        letter = Letter(row.number, written.message, row.qos, written.retain, written.identifiers)
        letter.released = row.released
        found.setdefault(row.session, []).append(letter)
    return found


def _row(session: str, letter: Letter) -> dict[str, object]:
    written = _PACK.encode(_Written(letter.message, letter.retain, letter.identifiers))
    return {
        "session": session,
        "number": letter.number,
        "qos": letter.qos,
        "released": letter.released,
        "message": written,
    }
