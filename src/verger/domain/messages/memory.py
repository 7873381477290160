"""What a session remembers beyond its connection (MQTT 5, section 4.1): pure, bounded, and ready to be put on disk."""

from collections.abc import Callable, Iterable

from msgspec import Struct

from verger.domain.messages.model import Letter, Message, Subscription
from verger.domain.messages.room import Room

_LETTER_BYTES = 100  # what a letter takes besides its message


class Changes(Struct):
    """What of a session is other than on disk: its state, its letters."""

    mark: int
    state: bool
    fresh: dict[int, Letter]
    released: set[int]
    gone: set[int]


class Memory:
    """One session: its subscriptions, what it is in the middle of, and its inbox.

    `name` names it on disk and is "" while it ends with its connection; `told` learns that there is something to save.
    Of messages at QoS 2 from the client: `arriving` are not kept yet, each with its number, `received` are kept and
    not yet released; `counted` is the number of the last one that was. `taken` bytes of the room are its own, `bounds`
    tells how many messages and bytes it may hold if that is less than the room says. `away` tells whether its client
    is, and `press` is called when others need room and that one has all letters already.
    """

    def __init__(
        self,
        room: Room | None = None,
        name: str = "",
        told: "Callable[[Memory], None] | None" = None,
    ) -> None:
        """Remember nothing yet."""
        self.room, self.name, self._told = room or Room(), name, told
        self.subscriptions: dict[str, Subscription] = {}
        self.arriving: dict[int, int] = {}
        self.received: set[int] = set()
        self.counted = self._numbered = 0
        self.letters: dict[int, Letter] = {}
        self.last = self.weight = self.dropped = 0
        self.taken, self.away, self.rank = 0, False, (0, False)
        self.bounds: Callable[[], tuple[int, int, int]] | None = None
        self.press: Callable[[], None] | None = None
        self.mark = self.saved = 0
        self._state = False
        self._fresh: dict[int, Letter] = {}
        self._released: set[int] = set()
        self._gone: set[int] = set()

    # the client's side

    def subscribe(self, topic: str, how: Subscription) -> None:
        """Remember that the client hears a topic filter."""
        if self.subscriptions.get(topic) != how:
            self.subscriptions[topic] = how
            self.change()

    def unsubscribe(self, topic: str) -> bool:
        """Forget a topic filter; whether it was there."""
        known = self.subscriptions.pop(topic, None) is not None
        if known:
            self.change()
        return known

    def arrive(self, packet_id: int) -> None:
        """Give a message at QoS 2 its number."""
        self._numbered = max(self._numbered, self.counted) + 1
        self.arriving[packet_id] = self._numbered

    def receive(self, packet_id: int) -> None:
        """Remember that a message at QoS 2 was kept."""
        self.counted = max(self.counted, self.arriving.pop(packet_id, 0))
        if packet_id not in self.received:
            self.received.add(packet_id)
            self.change()

    def learn(self, packet_id: int, number: int) -> None:
        """Remember that a message at QoS 2 was kept, as the log tells, unless that was known or is about to be."""
        if number > self.counted and packet_id not in self.arriving:
            self.counted = number
            self.received.add(packet_id)
            self.change()

    def let_go(self, packet_id: int) -> bool:
        """Forget a message at QoS 2 that the client has released; whether it was known."""
        known = packet_id in self.received
        if known:
            self.received.discard(packet_id)
            self.change()
        return known

    # the inbox

    def add(
        self,
        message: Message,
        qos: int,
        *,
        retain: bool = False,
        identifiers: tuple[int, ...] = (),
        passing: bool = False,
    ) -> Letter | None:
        """Put a message at QoS 1 or 2 into the inbox; when that is full the oldest go, None: this one did."""
        weight = message.weight + _LETTER_BYTES
        if not (self._make_room(weight) and (passing or self._make_shared_room(weight))):
            self._drop()
            return None
        self.last += 1
        letter = Letter(self.last, message, qos, retain, identifiers, passing)
        self.letters[letter.number] = letter
        self.weight += weight
        if not passing:
            self.room.take(self, weight)
        if self.name and not passing:
            self._fresh[letter.number] = letter
            letter.mark = self.mark + 1
            self._touch()
        return letter

    def remove(self, letter: Letter) -> None:
        """Take a letter out of the inbox, if it is there."""
        if self.letters.pop(letter.number, None) is None:
            return
        weight = letter.message.weight + _LETTER_BYTES
        self.weight -= weight
        if not letter.passing:
            self.room.give_back(self, weight)
        if self._fresh.pop(letter.number, None) is None and self.name and not letter.passing:
            self._gone.add(letter.number)
            self._touch()

    def forget(self, gone: Callable[[Message], bool]) -> None:
        """Take out of the inbox what is to be read by nobody any more."""
        for letter in [each for each in self.letters.values() if gone(each.message)]:
            self.remove(letter)

    def release(self, letter: Letter) -> None:
        """Remember that the client has a letter at QoS 2."""
        if not letter.released:
            letter.released = True
            if self.name and not letter.passing:
                self._released.add(letter.number)
                self._touch()

    def recall(self, letters: Iterable[Letter]) -> None:
        """Take up letters that are on disk, the oldest first."""
        for letter in letters:
            weight = letter.message.weight + _LETTER_BYTES
            self.letters[letter.number] = letter
            self.last = letter.number
            self.weight += weight
            self.room.take(self, weight)

    @property
    def sent(self) -> int:
        """Return the number of the last letter that the client may have, 0 for none."""
        return max((letter.number for letter in self.letters.values() if letter.sent), default=0)

    def part(self) -> None:
        """Let go of what ends with a connection."""
        for letter in [each for each in self.letters.values() if each.passing]:
            self.remove(letter)
        self.away, self.press = True, None
        self.room.place(self)

    def meet(self) -> None:
        """Have a connection again."""
        self.away = False
        self.room.place(self)

    def empty(self) -> None:
        """Give the room back; on disk the whole session goes at once."""
        for letter in self.letters.values():
            if not letter.passing:
                self.room.give_back(self, letter.message.weight + _LETTER_BYTES)
        self.weight = 0
        self.letters, self._fresh, self.name = {}, {}, ""

    def _make_room(self, weight: int) -> bool:
        """Let the oldest of its own letters go until there is room in this inbox; whether there is."""
        messages, size = self.room.messages, self.room.size
        if self.bounds is not None:
            own_messages, own_size, _ = self.bounds()
            messages, size = min(messages, own_messages), min(size, own_size)
        if weight > size:
            return False
        while len(self.letters) >= messages or self.weight + weight > size:
            if not self._drop_oldest(passing=True):
                return False
        return True

    def _make_shared_room(self, weight: int) -> bool:
        """Let letters of those go who take most, which may be this one; whether there is room."""
        room = self.room
        if weight > room.together:
            return False
        while room.used + weight > room.together:
            if not any(each.make_way() for each in room.yielding(self, weight)):
                return False
        return True

    def make_way(self) -> bool:
        """Let the oldest letter go that takes of the room; whether one went."""
        gone = self._drop_oldest(passing=False)
        if not gone and self.taken and self.press is not None:
            self.press()
        return gone

    def _drop_oldest(self, *, passing: bool) -> bool:
        """Let the oldest letter go; one that its client may have only if it is away and has no other."""
        letters = self.letters.values()
        oldest = next((each for each in letters if not each.sent and (passing or not each.passing)), None)
        if oldest is None and self.away:
            oldest = next(iter(letters), None)
        if oldest is None:
            return False
        self.remove(oldest)
        self._drop()
        return True

    def _drop(self) -> None:
        self.dropped += 1
        self.room.dropped += 1

    # the disk

    def change(self) -> None:
        """Note that its state, besides the letters, is other than on disk."""
        if self.name:
            self._state = True
            self._touch()

    def _touch(self) -> None:
        self.mark += 1
        if self._told is not None:
            self._told(self)

    def changes(self) -> Changes:
        """Hand over what is not on disk yet; `put_back` it when that failed, else set `saved`."""
        taken = Changes(self.mark, self._state, self._fresh, self._released, self._gone)
        self._state, self._fresh, self._released, self._gone = False, {}, set(), set()
        return taken

    def put_back(self, changes: Changes) -> None:
        """Take back what could not be put on disk; what has gone meanwhile was never there."""
        self._state = self._state or changes.state
        still = {number: letter for number, letter in changes.fresh.items() if number in self.letters}
        self._fresh = still | self._fresh
        self._released |= changes.released
        self._gone |= changes.gone
