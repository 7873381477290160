"""An inbox is bounded, and says what became of what had no room."""

from verger.domain.messages.memory import Memory
from verger.domain.messages.model import Message
from verger.domain.messages.room import Room


def bodies(memory: Memory) -> list[bytes]:
    return [letter.message.body for letter in memory.letters.values()]


def test_when_an_inbox_is_full_the_oldest_go_and_are_counted() -> None:
    room = Room(messages=2)
    memory = Memory(room)
    for body in (b"1", b"2", b"3"):
        memory.add(Message("t", body), 1)
    assert bodies(memory) == [b"2", b"3"]
    assert (memory.dropped, room.dropped, room.letters) == (1, 1, 2)


def test_an_inbox_has_only_so_many_bytes() -> None:
    memory = Memory(Room(size=1000))
    memory.add(Message("t", b"a" * 400), 1)
    memory.add(Message("t", b"b" * 600), 1)
    assert bodies(memory) == [b"b" * 600]
    assert memory.add(Message("t", b"c" * 1000), 1) is None
    assert bodies(memory) == [b"b" * 600]


def test_the_inboxes_of_a_tenant_share_their_room() -> None:
    room = Room(together=1000)
    one, other = Memory(room), Memory(room)
    one.add(Message("t", b"a" * 600), 1)
    assert other.add(Message("t", b"b" * 500), 1) is None
    one.empty()
    assert (room.used, one.taken) == (0, 0)
    assert other.add(Message("t", b"b" * 500), 1) is not None


def test_where_all_inboxes_are_full_who_takes_most_makes_room_and_of_equals_who_is_away() -> None:
    room = Room(together=2_400)
    first, second, here, late = (Memory(room, name) for name in ("first", "second", "here", "late"))
    for memory in (second, here, first):
        memory.add(Message("t", b"%d" % memory.room.letters * 600), 1)
    for memory in (first, second):
        memory.part()
    first.add(Message("t", b"3" * 200), 1)  # the first that went has the oldest of about as many
    assert (bodies(first), first.dropped) == ([b"3" * 200], 1)
    assert late.add(Message("t", b"4" * 600), 1) is not None
    assert (second.dropped, bodies(second)) == (1, [])
    assert late.add(Message("t", b"5" * 600), 1) is not None
    assert (bodies(late), late.dropped) == ([b"5" * 600], 1)
    assert (bodies(first), first.dropped, here.dropped, room.dropped) == ([b"3" * 200], 1, 0, 3)


def test_nobody_loses_anything_to_one_who_takes_more() -> None:
    room = Room(together=10_000)
    small = [Memory(room, f"small {number}") for number in range(5)]
    for memory in small:
        memory.add(Message("t", b"x" * 200), 1)
        memory.part()
    greedy = [Memory(room, f"greedy {number}") for number in range(3)]
    for number in range(200):
        greedy[number % 3].add(Message("t", b"y" * 500), 1)
    assert [memory.dropped for memory in small] == [0] * 5
    assert room.used <= room.together
    weights = [memory.taken for memory in greedy]
    assert max(weights) < 2 * min(weights)


def test_who_has_all_its_letters_and_answers_none_is_pressed_and_others_make_no_room_for_it() -> None:
    room, pressed = Room(together=2_000), list[str]()
    silent, here = Memory(room, "silent"), Memory(room, "here")
    silent.press = lambda: pressed.append("silent")
    for _ in range(2):
        letter = silent.add(Message("t", b"a" * 700), 1)
        assert letter is not None
        letter.sent = True
    assert here.add(Message("t", b"b" * 400), 1) is None
    assert pressed == ["silent"]
    silent.part()  # it was let go
    assert here.add(Message("t", b"b" * 400), 1) is not None
    assert (silent.dropped, here.dropped) == (1, 1)


def test_what_ends_with_a_connection_makes_no_way_for_what_takes_of_the_room() -> None:
    room = Room(together=1_000)
    full, device = Memory(room), Memory(room, "device")
    full.add(Message("t", b"a" * 800), 1)
    passing = device.add(Message("t", b"b" * 500), 1, passing=True)
    assert device.add(Message("t", b"c" * 850), 1) is None
    assert passing in device.letters.values()


def test_who_is_back_makes_way_after_one_who_is_away() -> None:
    room = Room(together=2_000)
    back, away, here = (Memory(room, name) for name in ("back", "away", "here"))
    for memory in (back, away):
        memory.add(Message("t", b"a" * 800), 1)
        memory.part()
    back.meet()
    assert here.add(Message("t", b"b" * 200), 1) is not None
    assert (back.dropped, away.dropped, here.dropped) == (0, 1, 0)


def test_what_was_sent_to_one_who_is_away_makes_room_when_there_is_nothing_else() -> None:
    room = Room(together=1_000)
    away, here = Memory(room, "away"), Memory(room, "here")
    for body in (b"a" * 300, b"b" * 300):
        letter = away.add(Message("t", body), 2)
        assert letter is not None
        letter.sent = True
    away.part()
    assert here.add(Message("t", b"c" * 200), 1) is not None
    assert bodies(away) == [b"b" * 300]


def test_what_ends_with_a_connection_takes_nothing_of_the_room_that_is_shared() -> None:
    room = Room(together=1_000)
    full, device = Memory(room), Memory(room, "device")
    full.add(Message("t", b"a" * 800), 1)
    assert device.add(Message("t", b"b" * 500), 1, passing=True) is not None
    assert (room.used, room.letters) == (901, 1)
    device.part()
    device.empty()
    full.empty()
    assert (room.used, room.letters) == (0, 0)


def test_clients_that_come_and_go_are_known_once_and_those_without_letters_not_at_all() -> None:
    room = Room(together=1_000)
    memory, asking = Memory(room, "restless"), Memory(room, "asking")
    letter = memory.add(Message("t", b"a" * 500), 1)
    for _ in range(100):
        memory.part()
        memory.meet()
    assert list(room.yielding(asking, 100)) == [memory, asking]
    assert letter is not None
    memory.remove(letter)
    assert list(room.yielding(asking, 100)) == [asking]


def test_what_the_client_may_have_already_is_not_taken_from_it() -> None:
    memory = Memory(Room(messages=1))
    letter = memory.add(Message("t", b"sent"), 2)
    assert letter is not None
    letter.sent = True
    assert memory.add(Message("t", b"new"), 1) is None
    assert bodies(memory) == [b"sent"]


def test_what_comes_and_goes_before_it_is_saved_never_touches_the_disk() -> None:
    told: list[Memory] = []
    memory = Memory(name="s", told=told.append)
    letter = memory.add(Message("t", b"x"), 1)
    assert letter is not None
    memory.remove(letter)
    changes = memory.changes()
    assert (changes.fresh, changes.gone, changes.state) == ({}, set(), False)
    assert told == [memory]


def test_what_could_not_be_saved_is_saved_with_the_next_or_not_at_all_if_it_is_gone() -> None:
    memory = Memory(name="s")
    first, second = memory.add(Message("t", b"1"), 1), memory.add(Message("t", b"2"), 1)
    assert first is not None
    assert second is not None
    changes = memory.changes()
    memory.remove(first)
    memory.put_back(changes)
    again = memory.changes()
    assert list(again.fresh) == [second.number]
    assert again.gone == {first.number}


def test_what_the_log_tells_of_messages_at_qos_2_is_learned_once_and_never_of_one_that_is_over() -> None:
    memory = Memory(name="s")
    memory.arrive(7)
    memory.learn(7, 1)  # its answer is on the way, which will say so
    assert memory.received == set()
    memory.receive(7)
    memory.let_go(7)
    memory.learn(7, 1)
    assert memory.received == set()
    memory.learn(8, 2)
    assert memory.received == {8}
    memory.arrive(9)
    assert memory.arriving == {9: 3}
