"""The executor: lets the wills of clients be heard in their time, also those that Verger's own end cut off."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog

from verger.base.clock import SECOND, Clock
from verger.base.errors import Busy
from verger.domain.messages.bequest import Bequest
from verger.domain.messages.exchange import Exchange
from verger.domain.messages.model import KEY, Guest
from verger.domain.messages.standing import Standing
from verger.domain.telemetry.model import Answer, Garbled, Heard
from verger.edges.wire.dialects import native
from verger.edges.wire.house import House, Members
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.mqtt.happenings import Ended
from verger.edges.wire.mqtt.packets import Connect
from verger.edges.wire.mqtt.posting import fault, last_will_of
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.speaker import Line

_AGAIN_S = 10
_APART = SECOND // 500
"""Between wills that are due together after a start, so that thousands of them hold nobody up."""

log = structlog.get_logger()


class Executor:
    """Says each will once: a device's to the log, a program's in its tree; it stays on disk until that is.

    Of those that are over, `heard` counts what was said, `spared` whose client was back in time, and `barred` what made
    no sense or might not be said.
    """

    def __init__(
        self, house: House, inlet: Inlet, exchange: Exchange, members: Members, clock: Clock, grace_s: float = 30.0
    ) -> None:
        """Let clients whose connections ended with Verger come back within `grace_s` of its start."""
        self.heard = self.spared = self.barred = 0
        self.standing: Callable[[str, str], Standing | None] = lambda _owner, _client_id: None
        self._house, self._inlet, self._members, self._clock = house, inlet, members, clock
        self._exchange, self._wills, self._grace_s = exchange, exchange.wills, grace_s
        self._guests: dict[str, Guest] = {}
        self._timers: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._restored: list[Bequest] = []
        self._asking: set[asyncio.Task[None]] = set()
        self._stopped = False

    # clients come and go

    def know(self, guest: Guest) -> None:
        """Know what an API key allows now."""
        self._guests[guest.owner] = guest

    def come(self, line: Line, tenant: str, connect: Connect) -> None:
        """Keep the will of a client that has come; one of before that waits is not heard."""
        before = self._wills.at(line.owner, line.client_id)
        if before is None and not connect.client_id:
            before = next((each for each in self._wills.of(line.owner) if each.cut and each.will.assigned), None)
        if before is not None:
            self.spared += 1
            self._drop(before)
        if connect.will is not None:
            will = last_will_of(connect.will, assigned=not connect.client_id)
            self._wills.write(Bequest(tenant, line.owner, line.client_id, will))

    def go(self, line: Line, ended: Ended) -> None:
        """Let the will of a client that goes be heard when its time has come, or never after a goodbye.

        When Verger stops it stays: it is heard after the next start, unless its client is back by then.
        """
        bequest = self._wills.at(line.owner, line.client_id)
        if bequest is None or bequest.due_at is not None or ended.reason == Reason.SERVER_SHUTTING_DOWN:
            return
        if not ended.with_will:
            self._drop(bequest)
        elif delay_s := min(bequest.will.delay_s, line.session.expiry_s):
            self._wills.wait(bequest, self._clock.now() + delay_s * SECOND)
            self._schedule(bequest)
        else:
            self._execute(bequest, self._guests.get(line.owner))

    def end(self, standing: Standing) -> None:
        """Let a will be heard that waits, for its session is over; one that was cut off has its time all the same."""
        bequest = self._wills.at(standing.owner, standing.client_id)
        if bequest is not None and bequest.due_at is not None and not bequest.cut:
            self._execute(bequest, None)

    async def settle(self, owner: str) -> None:
        """Let the wills of an API key that has ended be heard where whoever made it may still write."""
        last = self._guests.pop(owner, None)
        still = None if last is None else await self._members.left(last)
        for bequest in self._wills.of(owner):
            if still is None:
                self._bar(bequest, "Its API key has ended.")
            else:
                self._execute(bequest, still)

    def silence(self, owner: str) -> None:
        """Let the wills of an owner be heard by nobody."""
        for bequest in self._wills.of(owner):
            self._drop(bequest)

    # over a restart

    def restore(self, found: Iterable[Bequest]) -> None:
        """Have the wills of before; their time runs from `start` on."""
        for bequest in found:
            bequest.cut = bequest.due_at is None
            self._wills.recall(bequest)
            self._restored.append(bequest)

    def start(self) -> None:
        """Let the time of the wills of before run, now that their clients can come back."""
        now, restored, self._restored = self._clock.now(), self._restored, []
        for number, bequest in enumerate(restored):
            if self._wills.at(bequest.owner, bequest.client_id) is not bequest:
                continue
            standing = self.standing(bequest.owner, bequest.client_id)
            left = min(bequest.will.delay_s, standing.expiry_s if standing else 0) * SECOND
            if bequest.due_at is not None:
                left = min(left, bequest.due_at - now)
            bequest.due_at = now + max(left, int(self._grace_s * SECOND)) + number * _APART
            self._schedule(bequest)

    def hush(self) -> None:
        """Let no will be heard any more that waits; it goes on waiting after the next start."""
        self._stopped = True
        for timer in self._timers.values():
            timer.cancel()
        for asking in self._asking:
            asking.cancel()
        self._timers.clear()

    # one will

    def _schedule(self, bequest: Bequest) -> None:
        if self._stopped or bequest.due_at is None:
            return
        left = max(0, bequest.due_at - self._clock.now()) / SECOND
        timer = asyncio.get_running_loop().call_later(left, self._execute, bequest, None)
        self._timers[bequest.owner, bequest.client_id] = timer

    def _take(self, bequest: Bequest) -> None:
        if self._wills.pop(bequest) and (timer := self._timers.pop((bequest.owner, bequest.client_id), None)):
            timer.cancel()

    def _drop(self, bequest: Bequest) -> None:
        self._take(bequest)
        self._wills.strike(bequest)

    def _execute(self, bequest: Bequest, guest: Guest | None) -> None:
        """Let a will be heard now; of a program by what its key allows, which is looked up unless it is known."""
        self._take(bequest)
        if not bequest.owner.startswith(KEY):
            self._tell(bequest)
        elif guest is not None:
            self._post(bequest, guest)
        else:
            asking = asyncio.get_running_loop().create_task(self._ask(bequest))
            self._asking.add(asking)
            asking.add_done_callback(self._asking.discard)

    async def _ask(self, bequest: Bequest) -> None:
        try:
            guest = await self._members.bound(bequest.owner.removeprefix(KEY))
        except Exception:
            log.exception("an API key could not be looked up")
            self.put_off(bequest)
            return
        if guest is None:
            self._bar(bequest, "Its API key has ended.")
        else:
            self._post(bequest, guest)

    def _post(self, bequest: Bequest, guest: Guest) -> None:
        """Post the will of a program; it leaves the disk as what it says is written there."""
        message = bequest.will.at(self._clock.now())
        if why := fault(guest, message.topic):
            self._bar(bequest, why[1])
            return
        try:
            self._exchange.post(guest.tenant, message, self.standing(bequest.owner, bequest.client_id))
        except Busy as busy:
            self._bar(bequest, str(busy))
            return
        self.done(bequest)

    def _tell(self, bequest: Bequest) -> None:
        """Tell the log the will of a device."""
        message = bequest.will.message
        try:
            meaning = native.read(bequest.owner, message.topic, message.body)
        except Garbled as garbled:
            self._house.remark(bequest.owner, "refused", f"Its last will: {garbled}")
            self._bar(bequest, str(garbled))
            return
        if isinstance(meaning, Heard):
            self._inlet.join(meaning, _Word(self, bequest), 0, len(message.body))
        else:
            self._bar(bequest, "It asks, and nobody waits for the answer.")

    def done(self, bequest: Bequest) -> None:
        """Know that a will was heard."""
        self.heard += 1
        self._wills.strike(bequest)

    def _bar(self, bequest: Bequest, why: str) -> None:
        self.barred += 1
        self._drop(bequest)
        topic = bequest.will.message.topic[:200]
        log.info("a will was not heard", owner=bequest.owner, topic=topic, why=why)

    def put_off(self, bequest: Bequest) -> None:
        """Try again later with a will that could not be said just now, unless its client is back."""
        standing = self.standing(bequest.owner, bequest.client_id)
        here = standing is not None and standing.line is not None
        if here or not self._wills.put_back(bequest):
            self._wills.strike(bequest)
        else:
            bequest.due_at = self._clock.now() + _AGAIN_S * SECOND
            self._schedule(bequest)


class _Word:
    """What a device leaves, on its way to the log."""

    def __init__(self, executor: Executor, bequest: Bequest) -> None:
        self._executor, self._bequest = executor, bequest

    def answered(self, _tickets: Sequence[int], answers: Sequence[Answer | None]) -> None:
        if answers[0] is None or answers[0].later:
            self._executor.put_off(self._bequest)
        else:
            self._executor.done(self._bequest)
