"""What rules began goes on after kills: nothing is forgotten, nothing is done twice, and each stage is true."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from tests.e2e import conftest as e2e
from tests.e2e.home import Home, Thing, said
from tests.e2e.serving import environment
from tests.e2e.waiting import PATIENCE_S, until
from tests.faults.acting import Hook, Mailbox, machine, receiving
from tests.faults.weak import Weakness
from tests.people import PASSWORD
from verger.app.stores import open_stores
from verger.base.settings import Settings
from verger.domain.tenancy.model import Role

pytestmark = pytest.mark.needs("cc")

DRY = {"metric": "soil", "is": "below", "value": 30}
MINUTE_S, HOUR_S = 60, 3600


def write(home: Home, *then: dict[str, Any], **more: Any) -> str:
    """Write a rule that acts when the soil is dry."""
    rule = {"name": "Rule", "place": home.place, "when": DRY, "then": then, **more}
    return str(said(home.api.post("rules", json=rule))["id"])


def kill(home: Home) -> None:
    """End the server as a crash would, and start it again."""
    home.server.kill()
    home.server.start()


def commands(home: Home, thing: Thing, method: str) -> list[dict[str, Any]]:
    return [each for each in home.get(f"devices/{thing.id}/commands")["items"] if each["method"] == method]


def until_stage(home: Home, thing: Thing, stage: str) -> None:
    until(lambda: [each["stage"] for each in commands(home, thing, "pulse")] == [stage])


def test_a_command_of_a_rule_goes_on_from_the_stage_that_was_proved(weak_home: Home, weakness: Weakness) -> None:
    home = weak_home
    thing = home.add_device("Pump")
    rule = write(home, {"command": {"method": "pulse", "params": {"duration_s": 20}, "ttl_s": HOUR_S}}, rest_s=HOUR_S)
    with machine(home, thing) as pump:
        assert home.tell(thing, {"soil": 20}).is_success
        first = pump.next()
        until_stage(home, thing, "sent")
        kill(home)
    with machine(home, thing) as pump:
        again = pump.next()
        assert again == first
        pump.acknowledge(again)
        until_stage(home, thing, "acknowledged")
        kill(home)
    with machine(home, thing) as pump:
        weakness.move_clock(10 * MINUTE_S)  # what is to be sent again would be by now
        assert home.api.post(f"devices/{thing.id}/commands", json={"method": "blink"}).is_success
        assert pump.next().method == "blink"
        pump.answer(again, {"done": True})
        kill(home)
    until_stage(home, thing, "succeeded")
    [command] = commands(home, thing, "pulse")
    assert [step["stage"] for step in command["steps"]] == ["queued", "sent", "acknowledged", "succeeded"]
    [run] = home.get(f"rules/{rule}/runs")["items"]
    assert [(done["id"], done["state"]) for done in run["then"]] == [(command["id"], "succeeded")]
    assert not [each for each in pump.asked.queue if each.method == "pulse"]


def test_what_only_the_log_has_of_a_command_counts_after_a_kill(weak_home: Home, weakness: Weakness) -> None:
    home = weak_home
    thing = home.add_device("Pump")
    write(home, {"command": {"method": "pulse", "ttl_s": HOUR_S}})
    with machine(home, thing) as pump:
        assert home.tell(thing, {"soil": 20}).is_success
        first = pump.next()
        until_stage(home, thing, "sent")
        before = weakness.failed
        weakness.fail_syncs("verger.db")
        pump.acknowledge(first)
        pump.answer(first, {"done": True})
        until(lambda: weakness.failed > before)
        home.server.kill()
        weakness.heal()
        home.server.start()
    with machine(home, thing) as pump:
        assert home.api.post(f"devices/{thing.id}/commands", json={"method": "blink"}).is_success
        assert pump.next().method == "blink"
    until_stage(home, thing, "succeeded")
    [command] = commands(home, thing, "pulse")
    assert [step["stage"] for step in command["steps"]] == ["queued", "sent", "acknowledged", "succeeded"]


def add_people(home: Home, *roles: Role) -> dict[str, str]:
    """Let people of these roles join, and sign them in; return their tokens by role."""

    async def join() -> None:
        async with AsyncExitStack() as stack:
            stores = await open_stores(stack, Settings.read(environment(home.server.folder)))
            tenant = await stores.tenancy.users.first_tenant()
            for role in roles:
                await stores.tenancy.users.add(str(tenant), role, role, f"{role}@example.test", PASSWORD)

    home.server.kill()
    asyncio.run(join())
    home.server.start()
    return {role: _signed_in(home, f"{role}@example.test") for role in roles} | {"owner": home.token}


def _signed_in(home: Home, email: str) -> str:
    body = {"email": email, "password": PASSWORD}
    return str(said(httpx.post(f"{home.server.address}/api/v1/auth/login", json=body, timeout=PATIENCE_S))["token"])


def told(home: Home) -> list[str]:
    """Return to whom the only alert was told, the first first."""
    [alert] = home.get("alerts")["items"]
    said_of_it = home.get(f"alerts/{alert['id']}/comments")["items"]
    return [each["text"] for each in reversed(said_of_it) if each["kind"] == "told"]


def inboxes(home: Home, tokens: dict[str, str]) -> dict[str, int]:
    """Return how often each person was told of an alert."""
    found = {}
    for role, token in tokens.items():
        headers = {"Authorization": f"Bearer {token}"}
        items = said(httpx.get(f"{home.server.address}/api/v1/me/notifications", headers=headers, timeout=PATIENCE_S))[
            "items"
        ]
        found[role] = sum(each["kind"] == "alert" for each in items)
    return found


@pytest.mark.parametrize(("passed", "down"), [([15 * MINUTE_S, HOUR_S], False), ([HOUR_S], True)])
def test_a_chain_goes_on_where_it_was_and_nobody_is_told_twice_or_left_out(
    weak_home: Home, weakness: Weakness, passed: Sequence[int], *, down: bool
) -> None:
    home = weak_home
    tokens = add_people(home, Role.member, Role.manager)
    assert home.api.patch("me/notifications/preferences", json={"lesser": False}).is_success
    write(home, {"alert": {"severity": "critical", "message": "Dry"}})
    steps = [{"to": "members", "after_s": 0}, {"to": "managers", "after_s": 900}, {"to": "owners", "after_s": 3600}]
    assert home.api.patch("alert-policy", json={"critical": {"steps": steps, "repeat_s": 0}}).is_success
    assert home.tell(home.add_device(), {"soil": 20}).is_success
    until(lambda: home.get("alerts")["items"])
    kill(home)
    until(lambda: inboxes(home, tokens) == {"member": 1, "manager": 1, "owner": 0})
    for step, seconds in enumerate(passed, start=1):
        if not down:
            weakness.move_clock(seconds + 1)  # the step is due, and may be taken at this moment
        home.server.kill()
        weakness.move_clock(seconds + 1)
        home.server.start()
        until(lambda step=step: len(told(home)) == 1 + step)  # type: ignore[misc]
        kill(home)
    everybody = {"member": 1, "manager": 2, "owner": 1}  # managers hear what is for members, this owner does not
    until(lambda: inboxes(home, tokens) == everybody)
    weakness.move_clock(100 * HOUR_S)
    kill(home)
    [alert] = home.get("alerts")["items"]
    assert home.api.post(f"alerts/{alert['id']}/acknowledge").is_success
    assert told(home)[0] == "Told to members."
    assert inboxes(home, tokens) == everybody


@pytest.fixture(params=[Hook, Mailbox])
def kind(request: pytest.FixtureRequest) -> type[Hook | Mailbox]:
    """Return who is told: a webhook or a mail server."""
    return request.param  # type: ignore[no-any-return]


def open_to(serve: e2e.Serve, settle: e2e.Settle, weakness: Weakness, kind: type[Hook | Mailbox], port: int) -> Home:
    """Return a home whose owner is told by a receiver at a port of this machine."""
    mail = f"smtp://127.0.0.1:{port}"
    home = settle(serve(surroundings=weakness.surroundings, outgoing_networks="127.0.0.0/8", smtp_url=mail))
    way = {"kind": "webhook", "url": f"http://127.0.0.1:{port}/"} if kind is Hook else {"kind": "email"}
    said(home.api.post("me/notifications/targets", json={"name": "Mine", **way}))
    return home


def tell_owner(home: Home) -> None:
    """Let a rule tell the owner something."""
    write(home, {"notify": {"to": "owners", "message": "Dry"}}, rest_s=HOUR_S)
    assert home.tell(home.add_device(), {"soil": 20}).is_success


def deliveries(home: Home) -> list[tuple[str, bool]]:
    """Return of each delivery its state and whether it has failed before."""
    return [(each["state"], each["attempts"] > 0) for each in home.get("me/notifications/deliveries")["items"]]


def try_target(home: Home) -> None:
    """Let the owner send a test to their target."""
    [target] = home.get("me/notifications/targets")["items"]
    assert said(home.api.post(f"me/notifications/targets/{target['id']}/test"))["delivered"]


def test_what_a_receiver_has_but_never_answered_comes_again_with_the_same_id_and_then_no_more(
    serve: e2e.Serve, settle: e2e.Settle, weakness: Weakness, kind: type[Hook | Mailbox]
) -> None:
    with receiving(kind) as (receiver, port):
        home = open_to(serve, settle, weakness, kind, port)
        tell_owner(home)
        first = receiver.next()
        kill(home)
        assert receiver.next() == first
        receiver.open.set()
        until(lambda: deliveries(home) == [("sent", False)])
        kill(home)
        weakness.move_clock(HOUR_S)
        try_target(home)
        assert receiver.next() != first
        assert receiver.heard.empty()


def test_what_nobody_was_there_to_take_comes_once_when_somebody_is(
    serve: e2e.Serve, settle: e2e.Settle, weakness: Weakness, kind: type[Hook | Mailbox]
) -> None:
    with receiving(kind) as (_, port):
        pass
    home = open_to(serve, settle, weakness, kind, port)
    tell_owner(home)
    until(lambda: deliveries(home) == [("waiting", True)])
    kill(home)
    with receiving(kind, port) as (receiver, _):
        receiver.open.set()
        weakness.move_clock(MINUTE_S)
        first = receiver.next()
        until(lambda: deliveries(home) == [("sent", True)])
        kill(home)
        weakness.move_clock(HOUR_S)
        try_target(home)
        assert receiver.next() != first
        assert receiver.heard.empty()


def test_a_call_whose_answer_was_lost_is_made_again_with_the_same_id_and_then_no_more(
    serve: e2e.Serve, settle: e2e.Settle, weakness: Weakness
) -> None:
    with receiving(Hook) as (receiver, port):
        home = settle(serve(surroundings=weakness.surroundings, outgoing_networks="127.0.0.0/8"))
        rule = write(home, {"webhook": {"url": f"http://127.0.0.1:{port}/", "body": {"soil": "{value}"}}})
        thing = home.add_device()
        assert home.tell(thing, {"soil": 20}).is_success
        first = receiver.next()
        home.server.kill()
        weakness.move_clock(MINUTE_S)
        home.server.start()
        assert receiver.next() == first
        receiver.open.set()
        until(lambda: [run["then"][0]["state"] for run in home.get(f"rules/{rule}/runs")["items"]] == ["done"])
        kill(home)
        weakness.move_clock(HOUR_S)
        for value in (40, 19):
            assert home.tell(thing, {"soil": value}).is_success
        assert receiver.next() != first
        assert receiver.heard.empty()
