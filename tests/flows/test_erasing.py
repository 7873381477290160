"""Deleting for good: unreadable at once, off the disk after the job, and again after a restore."""

import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from msgspec import structs

from tests.edges.api.conftest import HERE, visitor
from tests.people import PASSWORD
from verger.app import House, build_api, open_house, open_stores
from verger.base.clock import DAY, HeldClock, moment
from verger.base.settings import Settings
from verger.domain.alerts.model import Opening, Severity
from verger.domain.backups.mark import Mark
from verger.domain.deletions.ledger import Ledger
from verger.domain.messages.exchange import Exchange
from verger.domain.messages.model import Message
from verger.domain.messages.standing import Standing
from verger.domain.messages.store import MessageStore
from verger.domain.telemetry.model import Event, Told, empty
from verger.domain.telemetry.record import pack, seal
from verger.domain.tenancy.model import Founding, Role

NEEDLE = "needle-in-the-haystack-7731"
NUMBER = 1234567.0625  # its eight bytes are like no others


@dataclass
class Product:
    """The whole product with its owner, a place and two devices that spoke."""

    folder: Path
    house: House
    owner: httpx.AsyncClient
    app: Any
    tenant: str
    place: str
    devices: list[str]

    async def say(self, device: str, token: str) -> None:
        now = self.house.stores.clock.now() // 1000
        async with visitor(self.app, base=HERE) as line:
            for word, said in (
                ("telemetry", {"ts": now - 60_000, "values": {"level": NUMBER}}),
                ("telemetry", {"ts": now - 3 * 86_400_000, "values": {"level": NUMBER}}),
                ("attributes", {"serial": NEEDLE}),
                ("events", {"kind": "note", "data": {"text": NEEDLE}}),
                ("telemetry", {"bad": "NaN", "level": NUMBER}),
            ):
                assert (await line.post(f"/api/v1/{token}/{word}", json=said)).status_code == 200
        stores = self.house.stores
        frost = Opening(
            rule="frost",
            device=device,
            place=self.place,
            severity=Severity.critical,
            message=NEEDLE,
            at=stores.clock.now(),
        )
        async with stores.db.writing() as connection:
            await stores.alerts.open(connection, self.tenant, frost)
        await self.house.oversight.followers.caught_up()
        await self.house.presence.save()
        await self.house.stores.kept.remarks.write()

    async def finished(self, answer: httpx.Response) -> dict[str, Any]:
        """Return the job of a deletion once it has ended."""
        assert answer.status_code == 202, answer.text
        errand = answer.headers["location"].rpartition("/")[2]
        return structs.asdict(await self.house.grounds.errands.outcome(self.tenant, errand))

    def found(self, needle: bytes) -> list[str]:
        """Return the files of the data folder that hold some bytes."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return sorted(str(path.relative_to(self.folder)) for path in files if needle in path.read_bytes())

    def traces(self) -> list[str]:
        return self.found(NEEDLE.encode()) + self.found(struct.pack("<d", NUMBER))


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    folder = tmp_path / "data"
    settings = Settings.read({"VERGER_DATA": str(folder), "VERGER_MQTT_PORT": "0", "VERGER_RESERVE_BYTES": "0"})
    async with AsyncExitStack() as stack:
        house = await open_house(stack, await open_stores(stack, settings, clock))
        app = build_api(house)
        tenancy = house.stores.tenancy
        tenant, owner = await tenancy.users.found(Founding("Mökki", "Aino", "aino@example.test", PASSWORD))
        client = await stack.enter_async_context(visitor(app, base=f"{HERE}/api/v1"))
        client.headers["Authorization"] = f"Bearer {await tenancy.sessions.open(owner.id, tenant.id)}"
        place = (await client.post("/places", json={"name": "Cottage"})).json()["id"]
        product = Product(folder, house, client, app, tenant.id, place, [])
        for name in ("Hall", "Sauna"):
            made = (await client.post("/devices", json={"name": name, "place": place})).json()
            product.devices.append(made["device"]["id"])
            if name == "Hall":
                await product.say(made["device"]["id"], made["credentials"]["access_token"])
        yield product


async def test_what_rules_have_to_say_of_a_device_to_other_programs_goes_with_it(product: Product) -> None:
    when = {"metric": "level", "is": "above", "value": 1}
    call = {"webhook": {"url": "https://nobody.invalid/", "body": NEEDLE}}
    rule = {"name": "Level", "place": product.place, "when": when, "then": [call], "rest_s": 3600}
    rule_id = (await product.owner.post("/rules", json=rule)).json()["id"]
    made = (await product.owner.post("/devices", json={"name": "Well", "place": product.place})).json()
    async with visitor(product.app, base=HERE) as line:
        token = made["credentials"]["access_token"]
        assert (await line.post(f"/api/v1/{token}/telemetry", json={"level": 7})).status_code == 200
    await product.house.oversight.followers.caught_up()
    calls = product.house.stores.callbook.calls
    assert (await calls.count())[0] == 1
    job = await product.finished(await product.owner.delete(f"/devices/{made['device']['id']}?history=delete"))
    assert (job["state"], (await calls.count())[0]) == ("done", 0)
    assert (await product.owner.get(f"/rules/{rule_id}/runs")).json()["items"] == []


async def test_a_device_is_unreadable_at_once_and_off_the_disk_after_the_job(product: Product) -> None:
    device = product.devices[0]
    assert len(product.traces()) >= 3
    await bury(product, device)
    answer = await product.owner.delete(f"/devices/{device}?history=delete")
    for path in ("", "/latest", "/history", "/readings", "/events", "/log", "/stays"):
        assert (await product.owner.get(f"/devices/{device}{path}")).status_code == 404, path
    assert (await product.owner.get(f"/places/{product.place}/history")).json()["series"] == []
    assert answer.json()["backups_until"] is not None
    job = await product.finished(answer)
    assert (job["state"], job["error"]) == ("done", None)
    assert product.traces() == []
    deletion = (await product.owner.get(f"/deletions/{answer.json()['id']}")).json()
    assert deletion["done_at"] is not None
    assert NEEDLE not in str(deletion)
    assert (await product.owner.get("/deletions")).json()["items"] == [deletion]
    assert (await product.owner.get("/system")).json()["dead_letters"][0]["sequence"] == 99


async def bury(product: Product, device: str) -> None:
    """Put two dead letters aside: one of the device alone, one that another speaks in too."""
    other, tenant = product.devices[1], product.tenant
    for sequence, devices in ((98, [device]), (99, [device, other])):
        words = {each: {"text": NEEDLE if each == device else "hay"} for each in devices}
        told = tuple(Told(tenant, each, Event("note", word, 0)) for each, word in words.items())
        body = pack(structs.replace(empty(0), told=told))
        await product.house.stores.letters.bury("recording", sequence, "no reason", 0, seal(sequence, body) + body)


async def test_what_waits_in_an_inbox_goes_with_the_device(product: Product) -> None:
    hall, sauna = product.devices
    exchange = product.house.upkeep.erasing.forgetting.messages
    assert isinstance(exchange, Exchange)
    away = Standing(product.tenant, "key:k", "c", expiry_s=3600)
    memory = away.begin(exchange.room(product.tenant), exchange.keeper.touch)
    exchange.remember(memory)
    for device in (hall, sauna):
        memory.add(Message(f"devices/{device}/readings", NEEDLE.encode() if device == hall else b"hay"), 1)
        exchange.post(product.tenant, Message(f"devices/{device}/note", b"hay", retain=True))
    memory.add(Message(f"places/{product.place}/alerts", b"hay"), 1)
    await product.owner.delete(f"/devices/{hall}?history=delete")
    store = MessageStore(product.house.stores.db)
    told = [letter.message.topic for [found] in [await store.sessions()] for letter in found.letters]
    assert told == [f"devices/{sauna}/readings", f"places/{product.place}/alerts"]
    assert [message.topic for _, message, _ in await store.retained()] == [f"devices/{sauna}/note"]
    await product.owner.delete(f"/places/{product.place}?contents=delete&history=delete")
    assert (memory.letters, await store.retained()) == ({}, [])


async def test_another_devices_words_stay(product: Product) -> None:
    sauna = product.devices[1]
    series = product.house.stores.kept.series
    made = await series.create({(product.tenant, sauna): ["heat"]})
    product.house.stores.kept.registry.learn(sauna, {"heat": made[0].number})
    await product.finished(await product.owner.delete(f"/devices/{product.devices[0]}?history=delete"))
    assert [each.metric for each in await series.of(product.tenant, [sauna])] == ["heat"]
    assert (await product.owner.get(f"/devices/{sauna}")).status_code == 200


async def test_a_place_goes_with_all_that_was_measured_there(product: Product) -> None:
    refused = await product.owner.delete(f"/places/{product.place}?history=delete")
    assert refused.status_code == 422
    answer = await product.owner.delete(f"/places/{product.place}?contents=delete&history=delete")
    assert (await product.owner.get(f"/places/{product.place}")).status_code == 404
    assert (await product.finished(answer))["state"] == "done"
    assert product.traces() == []


async def test_of_a_device_that_moved_within_a_day_only_what_it_said_in_the_place_goes(product: Product) -> None:
    owner, clock = product.owner, product.house.stores.clock
    assert isinstance(clock, HeldClock)
    shed = (await owner.post("/places", json={"name": "Shed"})).json()["id"]
    made = (await owner.post("/devices", json={"name": "Mover", "place": shed})).json()
    device, token = made["device"]["id"], made["credentials"]["access_token"]

    async def says(level: float) -> None:
        async with visitor(product.app, base=HERE) as line:
            said = {"ts": clock.now() // 1000 - 1, "values": {"level": level}}
            assert (await line.post(f"/api/v1/{token}/telemetry", json=said)).status_code == 200
        clock.advance(60)

    await says(1)
    assert (await owner.patch(f"/devices/{device}", json={"place": product.place})).status_code == 200
    clock.advance(60)
    await says(2)
    await product.house.oversight.followers.caught_up()
    await product.finished(await owner.delete(f"/places/{shed}?contents=delete&history=delete"))
    readings = (await owner.get(f"/devices/{device}/readings", params={"metric": "level"})).json()["items"]
    assert [each["value"] for each in readings] == [2.0]


async def test_what_was_cut_short_is_finished_by_the_sweep(product: Product) -> None:
    erasing, retiring = product.house.grounds.erasing, product.house.grounds.retiring
    await retiring.erase(product.tenant, product.devices[0], "user:aino")
    assert product.traces() != []
    await erasing.sweep()
    assert product.traces() == []
    assert {figure.name: figure.value for figure in erasing.figures()}["deletions_done"] == 1


async def test_a_person_goes_with_account_sessions_and_keys(product: Product) -> None:
    tenancy = product.house.stores.tenancy
    person = await tenancy.users.add(product.tenant, Role.manager, NEEDLE, f"{NEEDLE}@example.test", PASSWORD)
    session = await tenancy.sessions.open(person.id, product.tenant)
    async with visitor(product.app, base=f"{HERE}/api/v1") as client:
        client.headers["Authorization"] = f"Bearer {session}"
        assert (await client.post("/api-keys", json={"name": NEEDLE})).status_code == 201
        assert (await client.post("/me/delete", json={"password": "not this one"})).status_code == 422
        answer = await client.post("/me/delete", json={"password": PASSWORD})
        assert answer.status_code == 202
        assert (await client.get("/me")).status_code == 401
    await product.finished(await product.owner.delete(f"/devices/{product.devices[0]}?history=delete"))
    await product.finished(answer)
    assert product.traces() == []


async def test_the_last_owner_cannot_go(product: Product) -> None:
    answer = await product.owner.post("/me/delete", json={"password": PASSWORD})
    assert (answer.status_code, "owner" in answer.json()["detail"]) == (409, True)
    assert (await product.owner.get("/me")).status_code == 200


async def test_an_owner_deletes_a_members_account_unless_they_belong_elsewhere_too(product: Product) -> None:
    tenancy = product.house.stores.tenancy
    person = await tenancy.users.add(product.tenant, Role.viewer, "Veikko", "veikko@example.test", PASSWORD)
    farm = await tenancy.users.add_tenant("Farm", "UTC")
    await tenancy.users.join(farm.id, person.id, Role.viewer)
    assert (await product.owner.post(f"/members/{person.id}/delete")).status_code == 409
    other = await tenancy.users.add(product.tenant, Role.viewer, "Aune", "aune@example.test", PASSWORD)
    await product.finished(await product.owner.post(f"/members/{other.id}/delete"))
    assert (await product.owner.get(f"/members/{other.id}")).status_code == 404


async def test_a_restore_does_again_what_was_deleted_since_the_backup(product: Product, tmp_path: Path) -> None:
    stores, now = product.house.stores, moment(product.house.stores.clock.now())
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    forgetting = replace(product.house.grounds.erasing.forgetting, ledger=Ledger(shelf))
    deletion = await product.house.grounds.retiring.erase(product.tenant, product.devices[1], "user:aino")
    erasure = await stores.deletions.erasure(deletion.id)
    device = await add_back(product)
    returned = structs.replace(erasure, parts=[structs.replace(erasure.parts[0], device=device)])
    forgetting.ledger.add(structs.replace(returned, deletion=structs.replace(deletion, id="0" * 36)))
    mark = Mark(backup="b", begun_at=now - timedelta(seconds=DAY / 1e6), taken_at=now, restored_at=now)
    said = await forgetting.returned(mark, 50)
    assert said == ["Done again: 2 deletions that came after the backup."]
    assert (await product.owner.get(f"/devices/{device}")).status_code == 404
    again = await stores.deletions.erasure("0" * 36)
    assert (again.deletion.upto, again.deletion.done_at) == (51, None)


async def test_a_deletion_that_cannot_be_written_down_beside_the_backups_is_refused_and_nothing_goes(
    product: Product,
) -> None:
    product.house.stores.settings.backup_folder.joinpath("deletions.jsonl").mkdir(parents=True)
    device = product.devices[0]
    answer = await product.owner.delete(f"/devices/{device}?history=delete")
    assert (answer.status_code, "Nothing was deleted" in answer.json()["detail"]) == (503, True)
    await product.house.upkeep.erasing.sweep()
    assert (await product.owner.get(f"/devices/{device}")).status_code == 200
    assert (await product.owner.get("/deletions")).json()["items"] == []


async def add_back(product: Product) -> str:
    made = await product.owner.post("/devices", json={"name": "Back", "place": product.place})
    return str(made.json()["device"]["id"])
