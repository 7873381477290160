"""What a rule has to say to another program arrives signed, again until it is taken, and never at an inner address."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from tests.edges.outside.neighbours import Receiver, living
from tests.flows.conftest import House
from tests.flows.courts import world
from tests.flows.streets import LOW, Street, code
from verger.base.clock import DAY, moment
from verger.base.db import Database
from verger.base.errors import Conflict
from verger.domain.backups.mark import Mark
from verger.flows.calling import Uncalled
from verger.flows.trying import Trying


@pytest_asyncio.fixture
async def street(house: House, db: Database) -> AsyncIterator[Street]:
    async with living(Receiver()) as receiver:
        yield Street(await world(house, db), receiver)


async def heard(receiver: Receiver) -> None:
    """Return once somebody has called."""
    async with asyncio.timeout(20):
        while not receiver.heard:  # noqa: ASYNC110  it is another's event
            await asyncio.sleep(0)


async def test_a_rule_that_fires_calls_once_and_its_run_says_that_it_was_taken(street: Street) -> None:
    rule = await street.fires()
    assert [(done.state, done.error) for done in await street.outcomes(rule)] == [("queued", None)]
    await street.goes_on()
    await street.goes_on(3600)
    [(path, headers, body)] = street.receiver.heard
    [done] = await street.outcomes(rule)
    assert (path, msgspec.json.decode(body)) == ("/hook?key=1", {"text": "2 degrees at Hall sensor"})
    assert (done.state, done.id, done.error) == ("done", headers["webhook-id"], None)
    signing = await street.world.book.signing.get(street.world.house.tenant)
    assert headers["webhook-signature"] == code(signing.secret, headers, body)


async def test_a_rule_that_does_not_say_what_to_send_sends_why_it_fired(street: Street) -> None:
    rule = await street.fires(body=None)
    await street.goes_on()
    said = msgspec.json.decode(street.receiver.heard[0][2])
    assert said["rule"] == {"id": rule, "name": "Rule"}
    assert (said["device"], said["because"][0]["value"]) == (street.world.device, 2)


async def test_what_was_not_taken_is_tried_again_ever_later_under_the_same_id(street: Street) -> None:
    street.receiver.answers = ["500 Oops", "503 Later", "204 No Content"]
    rule = await street.fires()
    await street.goes_on()
    [done] = await street.outcomes(rule)
    assert (done.state, done.error) == ("queued", "It answered 500. It is tried again, after one attempt.")
    await street.goes_on(9)
    assert len(street.receiver.heard) == 1
    await street.goes_on(1)
    await street.goes_on(19)
    assert len(street.receiver.heard) == 2
    await street.goes_on(1)
    assert len({headers["webhook-id"] for _, headers, _ in street.receiver.heard}) == 1
    assert [(done.state, done.error) for done in await street.outcomes(rule)] == [("done", None)]
    await street.goes_on(7200)
    assert len(street.receiver.heard) == 3


async def test_what_was_asked_for_before_a_restart_is_called_after_it(street: Street) -> None:
    rule = await street.fires()
    await street.world.open()
    street.begin()
    await street.goes_on()
    assert len(street.receiver.heard) == 1
    assert (await street.outcomes(rule))[0].state == "done"


async def test_a_call_that_an_end_cut_short_is_made_again_under_its_id(street: Street) -> None:
    street.receiver.answers = ["", "204 No Content"]
    await street.fires()
    running = asyncio.create_task(street.calling.run())
    await heard(street.receiver)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    street.begin()
    await street.goes_on()
    assert len(street.receiver.heard) == 1
    await street.goes_on(10)
    assert len({headers["webhook-id"] for _, headers, _ in street.receiver.heard}) == 1
    assert len(street.receiver.heard) == 2


async def test_who_fails_five_times_rests_and_managers_are_told_once(street: Street) -> None:
    street.receiver.answers = ["500 Oops"]
    rule = await street.fires()
    await street.again()
    await street.again()
    await street.goes_on()
    assert len(street.receiver.heard) == 3
    await street.goes_on(10)
    assert len(street.receiver.heard) == 5
    assert (await street.world.count())["notices"] == 1
    await street.goes_on(150)
    assert len(street.receiver.heard) == 5
    await street.goes_on(10)
    assert len(street.receiver.heard) == 6
    assert (await street.world.count())["notices"] == 1
    street.receiver.answers = ["204 No Content"]
    await street.goes_on(320)
    assert len(street.receiver.heard) == 9
    assert {done.state for done in await street.outcomes(rule)} == {"done"}


async def test_who_fails_keeps_nobody_else_from_being_called(street: Street) -> None:
    async with living(Receiver(["500 Oops"])) as broken:
        await street.fires(broken.url)
        await street.fires()
        await street.goes_on()
    assert len(street.receiver.heard) == 1


async def test_who_answers_slowly_keeps_nobody_else_waiting(street: Street) -> None:
    async with living(Receiver([""])) as silent:
        await street.fires(silent.url)
        running = asyncio.create_task(street.calling.run())
        await heard(silent)
        await street.fires()
        await heard(street.receiver)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_after_a_day_a_call_is_given_up_and_its_run_says_why(street: Street) -> None:
    street.receiver.answers = ["500 Oops"]
    rule = await street.fires()
    for _ in range(25):
        await street.goes_on(3600)
    tried = len(street.receiver.heard)
    [done] = await street.outcomes(rule)
    assert (done.state, done.error) == (
        "failed",
        f"It was given up within 24 hours, after {tried} attempts. It answered 500.",
    )
    await street.goes_on(3600)
    assert len(street.receiver.heard) == tried
    assert street.calling.tally.waiting == 0


async def test_more_than_may_wait_is_refused_and_its_run_says_so(street: Street) -> None:
    rule = await street.fires()
    for _ in range(3):
        await street.again()
    states = [done.state for done in await street.outcomes(rule)]
    assert states == ["refused", "queued", "queued", "queued"]
    assert "3 calls wait already" in ((await street.outcomes(rule))[0].error or "")


async def test_a_redirect_to_an_inner_address_is_not_followed(street: Street) -> None:
    street.receiver.answers = ["307 Moved\r\nLocation: http://169.254.169.254/latest/meta-data"]
    rule = await street.fires()
    await street.goes_on()
    assert "169.254.169.254, which is not public" in ((await street.outcomes(rule))[0].error or "")


async def test_a_name_is_judged_anew_each_time_it_is_called(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    street.receiver.answers = ["500 Oops", "204 No Content"]
    answers = iter(["127.0.0.1", "10.0.0.8", "127.0.0.1"])
    plain = socket.getaddrinfo

    def look_up(host: str, port: int, *some: Any, **more: Any) -> list[Any]:
        if host != "changing.test":
            return list(plain(host, port, *some, **more))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    rule = await street.fires(f"http://changing.test:{street.receiver.port}/")
    await street.goes_on()
    await street.goes_on(10)
    assert len(street.receiver.heard) == 1
    assert "changing.test is at 10.0.0.8" in ((await street.outcomes(rule))[0].error or "")
    await street.goes_on(20)
    assert (await street.outcomes(rule))[0].state == "done"


async def test_after_a_renewal_both_secrets_sign_for_a_day_unless_the_old_one_ends_at_once(street: Street) -> None:
    signing, tenant = street.world.book.signing, street.world.house.tenant
    old = await signing.get(tenant)
    new = await signing.renew(tenant, at_once=False)
    assert new.previous_until is not None
    await street.fires()
    await street.goes_on()
    _, headers, body = street.receiver.heard[0]
    expected = [code(each.secret, headers, body) for each in (new, old)]
    assert headers["webhook-signature"].split() == expected
    street.world.clock.advance(DAY / 1e6)
    await street.again()
    await street.goes_on()
    _, headers, body = street.receiver.heard[1]
    assert headers["webhook-signature"] == code(new.secret, headers, body)
    assert await signing.get(tenant) == msgspec.structs.replace(new, previous_until=None)
    last = await signing.renew(tenant, at_once=True)
    await street.again()
    await street.goes_on()
    _, headers, body = street.receiver.heard[2]
    assert headers["webhook-signature"] == code(last.secret, headers, body)


async def test_after_a_restore_nothing_is_called_that_waited(street: Street) -> None:
    rule = await street.fires()
    now: datetime = moment(street.world.clock.now())
    mark = Mark(backup="b", begun_at=now, taken_at=now, restored_at=now, replaced=None)
    [told] = await Uncalled(street.world.book).returned(mark, 1)
    assert told.startswith("1 call of rules")
    await street.goes_on(60)
    assert street.receiver.heard == []
    [done] = await street.outcomes(rule)
    assert done.state == "expired"


async def test_what_a_rule_has_to_say_goes_with_the_rule_and_with_its_device(street: Street) -> None:
    rule = await street.fires()
    kept, house = street.world.kept, street.world.house
    later = moment(street.world.clock.now() + DAY)
    assert await kept.runs.expire(house.tenant, [street.world.device], moment(0), later) == 1
    assert await street.world.book.calls.count() == (0, 0)
    await street.again()
    assert await street.world.book.calls.count() == (1, 0)
    await street.world.ruling.remove(house.tenant, rule, None)
    assert await street.world.book.calls.count() == (0, 0)
    await street.goes_on()
    assert street.receiver.heard == []


async def test_neither_a_call_nor_the_secret_can_be_read_in_the_tables(street: Street) -> None:
    await street.fires(f"{street.receiver.url}/hidden-in-the-path")
    secret = (await street.world.book.signing.get(street.world.house.tenant)).secret
    [call] = await street.world.book.calls.old()
    async with street.world.db.reading() as connection:
        tables = ("callout", "signing_secret")
        rows = [str((await connection.exec_driver_sql(f"SELECT * FROM {table}")).all()) for table in tables]  # noqa: S608
    assert "hidden-in-the-path" not in rows[0]
    assert secret not in rows[1]
    assert street.world.book.calls.opened(call)[0].endswith("/hidden-in-the-path")


async def test_a_test_is_signed_comes_at_once_and_lets_who_rested_go_on(street: Street) -> None:
    world, receiver = street.world, street.receiver
    receiver.answers[:] = ["500 Oh no"]
    rule = await street.fires()
    for _ in range(5):
        await street.goes_on(4000)
    receiver.answers[:], before = ["204 No Content"], len(receiver.heard)
    trying = Trying(world.kept.rules, world.book, street.calling.courier, world.clock)
    [tried] = await trying.test(world.house.tenant, rule)
    assert (tried.action, tried.delivered, tried.error) == (0, True, None)
    assert len(receiver.heard) == before + 1
    await street.goes_on()
    assert [done.state for done in await street.outcomes(rule)] == ["done"]
    receiver.answers[:] = ["500 Oh no"]
    [tried] = await trying.test(world.house.tenant, rule)
    assert (tried.delivered, "500" in (tried.error or "")) == (False, True)
    with pytest.raises(Conflict, match="calls no web address"):
        await trying.test(world.house.tenant, (await world.rule(when=LOW, then=[{"task": {"title": "Look"}}])).id)
