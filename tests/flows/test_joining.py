"""Joining."""

from dataclasses import dataclass

import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House
from tests.flows.sides import Side, side_of
from verger.base.clock import moment
from verger.base.errors import Conflict, Invalid, Missing, Stale, Unknown
from verger.domain.devices.joining import Grant, Joining, JoinKey, Wish
from verger.domain.devices.model import DeviceType
from verger.flows.joining import Door


@dataclass
class Typed:
    """A house with a type that has a key."""

    side: Side
    door: Door
    key: JoinKey

    def wish(self, **more: object) -> Wish:
        return structs.replace(Wish(key=self.key.key, secret=self.key.secret), **more)

    async def named(self, name: str) -> object:
        found = await self.side.house.kept.devices.known_as(self.side.house.tenant, name)
        return None if found is None else await self.side.house.kept.devices.get(self.side.house.tenant, found)


@pytest_asyncio.fixture
async def typed(house: House) -> Typed:
    side = side_of(house)
    await house.kept.types.add(house.tenant, DeviceType(key="probe", name="Probe", created_at=moment(0)))
    _, key = await side.stories.door.renew(house.tenant, "probe", Joining(strategy="new", place=house.place.id))
    return Typed(side, side.stories.door, key)


async def strategy(typed: Typed, now: str) -> None:
    kept, tenant = typed.side.house.kept, typed.side.house.tenant
    before = await kept.joining.get(tenant, "probe")
    await typed.door.set(tenant, "probe", structs.replace(before, strategy=now))


async def test_a_new_device_gets_a_token_at_the_place_of_its_type(typed: Typed) -> None:
    house = typed.side.house
    grant = await typed.door.join(typed.wish(name="DHT11", gateway=True))
    device = house.kept.registry.holder(grant.value)
    made = await house.kept.devices.get(house.tenant, device or "")
    assert (made.name, made.type, made.place, made.is_gateway) == ("DHT11", "probe", house.place.id, True)
    nameless = await typed.door.join(typed.wish())
    assert house.kept.registry.holder(nameless.value) is not None


async def test_a_device_may_bring_its_own_token_or_user_name_and_password(typed: Typed) -> None:
    house = typed.side.house
    assert await typed.door.join(typed.wish(name="A", token="my-own-token")) == Grant("ACCESS_TOKEN", "my-own-token")
    basic = typed.wish(name="B", kind="MQTT_BASIC", username="me", password="long enough", client_id="")
    told = await typed.door.join(basic)
    assert told.value == {"clientId": "", "userName": "me", "password": "long enough"}
    reception = typed.side.stories.reception
    known = reception.known_by("whatever", "me", "long enough")
    assert (await house.kept.devices.get(house.tenant, known or "")).name == "B"
    assert reception.known_by("whatever", "me", "a wrong one") is None
    assert reception.known_by("me", "", "long enough") is None


async def test_a_device_may_bring_its_certificate(typed: Typed) -> None:
    shown = "ab" * 32
    assert await typed.door.join(typed.wish(name="C", kind="X509_CERTIFICATE", certificate=shown)) == Grant(
        "X509_CERTIFICATE", shown
    )
    device = typed.side.stories.reception.certified(shown)
    assert (await typed.side.house.kept.devices.get(typed.side.house.tenant, device or "")).name == "C"


@pytest.mark.parametrize(
    ("given", "right", "wrong"),
    [
        ({"client_id": "c"}, ("c", "anything"), ("d", "anything")),
        ({"client_id": "c", "username": "u"}, ("c", "u"), ("d", "u")),
        ({"username": "u"}, ("d", "u"), ("c", "v")),
    ],
)
async def test_what_was_given_has_to_be_right(
    typed: Typed, given: dict[str, str], right: tuple[str, str], wrong: tuple[str, str]
) -> None:
    await typed.door.join(typed.wish(kind="MQTT_BASIC", password="long enough", **given))
    assert typed.side.stories.reception.known_by(*right, "long enough") is not None
    assert typed.side.stories.reception.known_by(*wrong, "long enough") is None


async def test_a_name_or_a_credential_that_is_taken_is_told(typed: Typed) -> None:
    await typed.door.join(typed.wish(name="A", token="my-own-token"))
    with pytest.raises(Conflict, match="name"):
        await typed.door.join(typed.wish(name="A"))
    with pytest.raises(Conflict, match="taken"):
        await typed.door.join(typed.wish(name="B", token="my-own-token"))
    with pytest.raises(Invalid):
        await typed.door.join(typed.wish(name="B", token="short"))
    with pytest.raises(Invalid):
        await typed.door.join(typed.wish(name="B", kind="MQTT_BASIC", username="u", password="short"))
    with pytest.raises(Invalid):
        await typed.door.join(typed.wish(name="B", kind="X509_CERTIFICATE", certificate="MIIB"))
    assert await typed.named("B") is None


async def test_past_the_limit_nobody_gets_in(typed: Typed) -> None:
    for number in range(5):
        await typed.door.join(typed.wish(name=str(number)))
    with pytest.raises(Conflict, match="limit"):
        await typed.door.join(typed.wish(name="6"))


@pytest.mark.parametrize("wrong", ["key", "secret", "off", "renewed", "ended"])
async def test_a_key_that_does_not_hold_is_told_alike(typed: Typed, wrong: str) -> None:
    house = typed.side.house
    before = await house.kept.joining.get(house.tenant, "probe")
    match wrong:
        case "off":
            await strategy(typed, "off")
        case "renewed":
            await typed.door.renew(house.tenant, "probe", before)
        case "ended":
            await house.kept.joining.end(house.tenant, "probe")
    wish = typed.wish(**{wrong: "vp_guess"}) if wrong in {"key", "secret"} else typed.wish()
    with pytest.raises(Unknown):
        await typed.door.join(wish)


async def test_a_device_that_was_added_before_gets_in_once_and_only_before_it_speaks(typed: Typed) -> None:
    house = typed.side.house
    await strategy(typed, "known")
    with pytest.raises(Missing):
        await typed.door.join(typed.wish(name="Unheard of"))
    device, old = await house.provisioning.add(house.tenant, house.new_device("Waiting", type="probe"))
    grant = await typed.door.join(typed.wish(name="Waiting", gateway=True))
    assert house.kept.registry.holder(grant.value) == device.id
    assert house.kept.registry.holder(old) is None
    assert house.kept.relays.is_gateway(device.id)
    with pytest.raises(Conflict, match="already"):
        await typed.door.join(typed.wish(name="Waiting"))


async def test_a_device_that_speaks_or_is_of_another_type_is_not_taken_over(typed: Typed) -> None:
    house = typed.side.house
    await strategy(typed, "known")
    busy, token = await house.provisioning.add(house.tenant, house.new_device("Busy", type="probe"))
    typed.side.presence.connected(busy.id)
    with pytest.raises(Conflict, match="spoken"):
        await typed.door.join(typed.wish(name="Busy"))
    assert house.kept.registry.holder(token) == busy.id
    await house.add("Other")
    with pytest.raises(Missing):
        await typed.door.join(typed.wish(name="Other"))


async def test_what_people_decide_is_checked(typed: Typed) -> None:
    house = typed.side.house
    with pytest.raises(Missing):
        await typed.door.renew(house.tenant, "no type", Joining())
    with pytest.raises(Invalid):
        await typed.door.renew(house.tenant, "probe", Joining(strategy="new"))
    with pytest.raises(Invalid):
        await typed.door.renew(house.tenant, "probe", Joining(strategy="new", place="nowhere"))
    with pytest.raises(Missing):
        await typed.door.renew("another", "probe", Joining())
    before = await house.kept.joining.get(house.tenant, "probe")
    await typed.door.set(house.tenant, "probe", before)
    with pytest.raises(Stale):
        await typed.door.set(house.tenant, "probe", before)


async def test_a_type_takes_its_key_along_when_it_goes(typed: Typed) -> None:
    house = typed.side.house
    await house.kept.types.delete(house.tenant, "probe")
    with pytest.raises(Unknown):
        await typed.door.join(typed.wish())
