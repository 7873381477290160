"""Rules are written only with addresses that may be called, and their thresholds are moved together."""

from typing import Any

import msgspec
import pytest
import pytest_asyncio

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.db import Database
from verger.base.errors import Forbidden, Invalid
from verger.base.outgoing import Outgoing
from verger.domain.rules.accepted import KeptRule
from verger.domain.rules.actions import Action
from verger.domain.webhooks.model import LONGEST


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    return await world(house, db)


async def calls(made: World, url: str, **more: Any) -> KeptRule:
    """Write a rule that calls an address."""
    when = {"metric": "t", "is": "below", "value": 3}
    return await made.rule(when=when, then=[{"webhook": {"url": url, **more}}])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "localhost",
        "inner.localhost.",
        "[::1]",
        "[::ffff:10.0.0.8]",
        "[64:ff9b::a00:8]",
        "[fec0::1]",
        "10.1.2.3",
        "192.168.1.9:8123",
        "172.16.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
    ],
)
async def test_a_rule_that_calls_an_inner_address_is_not_written(made: World, host: str) -> None:
    made.outgoing = Outgoing()
    with pytest.raises(Invalid, match="VERGER_OUTGOING_NETWORKS") as refused:
        await calls(made, f"http://{host}/")
    assert [fault.field for fault in refused.value.faults] == ["then[0].webhook.url"]


async def test_names_public_addresses_and_what_an_operator_lists_may_be_written(made: World) -> None:
    made.outgoing = Outgoing(("192.168.1.0/24",))
    for host in ("hook.example.org", "93.184.216.34", "[2606:2800:220:1::1]", "192.168.1.9:8123", "nas"):
        await calls(made, f"https://{host}/")
    for url in ("ftp://example.org/", "example.org", "https://a:b@example.org/", "https:///x"):
        with pytest.raises(Invalid):
            await calls(made, url)
    with pytest.raises(Invalid, match=f"may have {LONGEST:,}"):
        await calls(made, "https://a.test", body="x" * LONGEST)


async def test_a_rule_whose_address_is_inner_by_now_can_be_changed_otherwise(made: World) -> None:
    tenant = made.house.tenant
    made.outgoing = Outgoing(("127.0.0.0/8",))
    rule = await calls(made, "http://127.0.0.1/")
    made.outgoing = Outgoing()
    off = await made.ruling.change(tenant, rule, msgspec.structs.replace(rule, enabled=False), None)
    moved = msgspec.convert([{"webhook": {"url": "http://127.0.0.2/"}}], tuple[Action, ...])
    with pytest.raises(Invalid):
        await made.ruling.change(tenant, off, msgspec.structs.replace(off, then=moved), None)


SOIL: dict[str, Any] = {
    "when": {"all": [{"metric": "soil", "is": "below", "value": 30, "clear": 35, "for_s": 60}]},
    "then": [{"alert": {"message": "dry"}}],
    "limits": {"when.all[0].value": {"low": 10, "high": 60}, "when.all[0].clear": {"low": 10, "high": 70}},
}
VALUE, CLEAR = "when.all[0].value", "when.all[0].clear"


@pytest.mark.parametrize("numbers", [{VALUE: 50, CLEAR: 55}, {CLEAR: 55, VALUE: 50}, {CLEAR: 20, VALUE: 15}])
async def test_several_thresholds_are_moved_in_one_go_whichever_is_named_first(
    made: World, numbers: dict[str, float]
) -> None:
    rule = await made.rule(**SOIL)
    after = await made.ruling.adjust(made.house.tenant, rule.id, numbers, rule.version)
    [leaf] = after.when.all or ()
    assert (leaf.value, leaf.clear, after.version) == (numbers[VALUE], numbers[CLEAR], rule.version + 1)


@pytest.mark.parametrize(
    ("numbers", "fields"),
    [
        ({VALUE: 61, CLEAR: 71}, [VALUE, CLEAR]),
        ({VALUE: 40, CLEAR: 71}, [CLEAR]),
        ({VALUE: 40}, [CLEAR]),
        ({CLEAR: 29}, [CLEAR]),
    ],
)
async def test_of_thresholds_that_cannot_be_none_is_moved(
    made: World, numbers: dict[str, float], fields: list[str]
) -> None:
    rule = await made.rule(**SOIL)
    with pytest.raises(Invalid) as refused:
        await made.ruling.adjust(made.house.tenant, rule.id, numbers, None)
    assert [fault.field for fault in refused.value.faults] == fields
    assert await made.kept.rules.get(made.house.tenant, rule.id) == rule


async def test_a_number_that_no_manager_let_members_move_stays(made: World) -> None:
    rule = await made.rule(**SOIL)
    with pytest.raises(Forbidden, match=r"may not change when\.all"):
        await made.ruling.adjust(made.house.tenant, rule.id, {VALUE: 20, "when.all[0].for_s": 1}, None)
    assert await made.kept.rules.get(made.house.tenant, rule.id) == rule
