"""People of CottagePilot: their own account, those they share a cottage with, and all that its tasks knew."""

from typing import Any

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, posted
from tests.edges.wire.families.test_cottage import told
from tests.edges.wire.families.test_cottage_insights import hall, of_type, settled
from tests.edges.wire.families.test_cottage_people import Browser, signed_in
from tests.people import PASSWORD
from verger.base.clock import DAY, MINUTE, HeldClock
from verger.domain.tenancy.model import Role
from verger.edges.wire.families.cottage_extras import joined, parted

BASE = "/compat/cottage/api"


async def test_pages_get_the_token_that_they_ask_for_first(product: Product) -> None:
    async with client(product) as pages:
        answer = await pages.get(f"{BASE}/csrf/")
        assert answer.status_code == 201
        assert answer.headers["set-cookie"].startswith(f"csrftoken={answer.json()['csrfToken']};")
        assert (await pages.post(f"{BASE}/csrf/")).status_code == 405


async def test_people_change_what_they_are_called_and_nothing_else(product: Product) -> None:
    async with client(product) as pages:
        assert (await pages.post(f"{BASE}/account/me/", json={"first_name": "X"})).status_code == 401
        pages.headers.update(await signed_in(pages))
        before = (await pages.get(f"{BASE}/account/me/")).json()["results"]
        same = await pages.post(f"{BASE}/account/me/", json=before)
        assert (same.status_code, same.json()) == (200, {"status": "success", "results": before})
        changed = await pages.post(f"{BASE}/account/me/", json={"first_name": "Aino", "last_name": "Virta Laine"})
        told_of = changed.json()["results"]
        assert (told_of["first_name"], told_of["last_name"]) == ("Aino", "Virta Laine")
        assert (await product.get("/me"))["user"]["name"] == "Aino Virta Laine"
        one = (await pages.post(f"{BASE}/account/me/", json={"first_name": "Aina"})).json()["results"]
        assert (one["first_name"], one["last_name"]) == ("Aina", "Virta Laine")
        wrong = {"email": "else@example.test", "first_name": " ", "last_name": "", "access_to_cottage": "7"}
        refused = await pages.post(f"{BASE}/account/me/", json=wrong)
        assert (refused.status_code, set(refused.json())) == (400, {"email", "first_name", "access_to_cottage"})
        assert (await pages.get(f"{BASE}/account/me/")).json()["results"] == one


async def test_people_go_to_another_of_their_own_cottages_and_to_no_other(product: Product) -> None:
    tenancy = product.house.stores.tenancy
    mine, foreign = await tenancy.users.add_tenant("Hill", "UTC"), await tenancy.users.add_tenant("Far", "UTC")
    await tenancy.users.join(mine.id, (await product.get("/me"))["user"]["id"], Role.member)
    async with client(product) as pages:
        pages.headers.update(await signed_in(pages))
        refused = await pages.post(f"{BASE}/account/me/", json={"access_to_cottage": foreign.id})
        assert (refused.status_code, refused.json()) == (400, {"access_to_cottage": ["Cottage not found for user"]})
        moved = await pages.post(f"{BASE}/account/me/", json={"access_to_cottage": mine.id})
        assert moved.json()["results"]["access_to_cottage"] == mine.id
        assert (await pages.get(f"{BASE}/cottage/me/")).json()["results"]["name"] == "Hill"


async def test_a_password_is_changed_by_the_old_one_and_ends_other_sessions(product: Product) -> None:
    path = f"{BASE}/account/change-password/"
    async with client(product) as pages, client(product) as other:
        assert (await pages.post(path, json={})).status_code == 401
        pages.headers.update(await signed_in(pages))
        other.headers.update(await signed_in(other))
        slowed = product.house.families.refused
        wrong = await pages.post(path, json={"old_password": "no", "new_password": "correct horse"})
        old = {"old_password": ["Wrong old password."]}
        assert (wrong.status_code, wrong.json()) == (200, {"status": "false", "errors": old})
        assert product.house.families.refused == slowed + 1
        bare = await pages.post(path, json={"old_password": PASSWORD})
        assert (bare.status_code, set(bare.json()["errors"])) == (200, {"new_password"})
        short = await pages.post(path, json={"old_password": PASSWORD, "new_password": "short"})
        assert (short.json()["status"], set(short.json()["errors"])) == ("false", {"new_password"})
        right = await pages.post(path, json={"old_password": PASSWORD, "new_password": "correct horse"})
        assert (right.status_code, right.json()) == (200, {"status": "true", "message": "New password set."})
        assert (await pages.get(f"{BASE}/account/me/")).status_code == 200
        assert (await other.get(f"{BASE}/account/me/")).status_code == 401
        fresh = {"username": "aino@example.test", "password": "correct horse"}
        assert (await other.post(f"{BASE}/login/", json=fresh)).status_code == 200


async def test_people_see_those_of_their_own_cottage_and_nobody_else(product: Product) -> None:
    users = product.house.stores.tenancy.users
    tenant, far = await users.first_tenant() or "", await users.add_tenant("Far", "UTC")
    eero = await users.add(tenant, Role.viewer, "Eero", "eero@example.test", PASSWORD)
    other = await users.add(far.id, Role.owner, "Other", "other@example.test", PASSWORD)
    async with client(product) as pages:
        assert (await pages.get(f"{BASE}/account/fetchCottageUsers/")).status_code == 401
        pages.headers.update(await signed_in(pages))
        shared = (await pages.get(f"{BASE}/account/fetchCottageUsers/")).json()
        assert shared["status"] == "success"
        assert [set(each) for each in shared["results"]] == [{"id", "username", "user_color"}] * 2
        listed = (await pages.get(f"{BASE}/account/?ordering=-username")).json()
        assert [each["username"] for each in listed["results"]] == ["eero@example.test", "aino@example.test"]
        found = (await pages.get(f"{BASE}/account/?search=EERO")).json()["results"]
        assert [each["id"] for each in found] == [eero.id]
        assert (await pages.get(f"{BASE}/account/{eero.id}/")).json()["first_name"] == "Eero"
        gone = await pages.get(f"{BASE}/account/{other.id}/")
        assert (gone.status_code, gone.json()) == (404, {"detail": "Not found."})


async def test_a_task_keeps_all_that_its_pages_say_of_it(product: Product) -> None:
    said: dict[str, Any] = {
        "id": "",
        "owner": "",
        "name": "Scrub the boat",
        "group": "Shore",
        "description": "Both sides.\n\nAlso the oars.",
        "additional_info": "Soap is in the shed.\nGroup: not this one",
        "location": "Boathouse",
        "status": "in progress",
        "sensor": None,
        "limit_value": None,
        "month_correlation": "5",
        "time_correlation": None,
    }
    async with client(product) as pages:
        pages.headers.update(await signed_in(pages))
        made = await pages.post(f"{BASE}/task/", json=said)
        assert made.status_code == 201, made.text
        kept = {name: value for name, value in said.items() if name not in {"id", "owner"}}
        assert {name: made.json()[name] for name in kept} == kept
        path = f"{BASE}/task/{made.json()['id']}/"
        assert (await pages.get(path)).json() == made.json()
        # everybody can read it in Verger, where it is due as May ends
        task = await product.get(f"/tasks/{made.json()['id']}")
        assert task["due"].startswith("2027-05-31")
        assert "Location: Boathouse" in task["notes"]
        part = await pages.patch(path, json={"group": None, "location": "LAKE cottage", "status": "waiting"})
        assert (part.json()["group"], part.json()["location"]) == (None, "Lake cottage")
        assert (part.json()["status"], part.json()["description"]) == ("waiting", said["description"])
        assert (await product.get(f"/tasks/{made.json()['id']}"))["place"] == product.place["id"]
        dated = (await pages.put(path, json={"time_correlation": "2027-03-01"})).json()
        assert (dated["time_correlation"], dated["month_correlation"]) == ("2027-03-01", "5")
        for wrong in ({"status": "soon"}, {"month_correlation": 13}, {"limit_value": "5.5"}, {"group": "x" * 51}):
            assert (await pages.patch(path, json=wrong)).status_code == 400, wrong
        assert (await pages.patch(path, json={"sensor": "nothing"})).status_code == 400
        assert (await pages.get(path)).json() == dated
        nothing = await pages.get(f"{BASE}/task/nothing/")
        assert (nothing.status_code, nothing.json()) == (404, {"detail": "Not found."})


async def test_who_changes_a_task_is_responsible_for_it(product: Product) -> None:
    me = (await product.get("/me"))["user"]["id"]
    first, second = await posted(product, "/tasks", title="Sweep"), await posted(product, "/tasks", title="Mow")
    async with client(product) as pages:
        pages.headers.update(await signed_in(pages))
        assert (await pages.patch(f"{BASE}/task/{first['id']}/", json={"name": "Sweep all"})).status_code == 200
        assert (await pages.post(f"{BASE}/task/{second['id']}/mark_done/")).status_code == 200
    for each in (first, second):
        assert (await product.get(f"/tasks/{each['id']}"))["assignee"] == me


async def test_tasks_come_in_pages_searched_and_in_order(product: Product, clock: HeldClock) -> None:
    async with client(product) as pages:
        pages.headers.update(await signed_in(pages))
        for number in range(51):
            await posted(product, "/tasks", title=f"Step {number:02}")
        await pages.post(f"{BASE}/task/", json={"name": "Row", "location": "Lake"})
        first = (await pages.get(f"{BASE}/task/?ordering=name")).json()
        assert (first["count"], len(first["results"]), first["results"][0]["name"]) == (52, 50, "Row")
        assert first["next"].endswith("/task/?ordering=name&page=2")
        rest = (await pages.get(f"{BASE}/task/?ordering=name&page=2")).json()
        assert [each["name"] for each in rest["results"]] == ["Step 49", "Step 50"]
        found = (await pages.get(f"{BASE}/task/?search=lake")).json()["results"]
        assert [each["name"] for each in found] == ["Row"]
        clock.at += DAY
        assert (await pages.get(f"{BASE}/task/?page=3")).status_code == 404


async def test_a_task_is_overdue_once_its_sensor_was_below_its_limit(product: Product, clock: HeldClock) -> None:
    key, code, _ = await hall(product, clock)  # where 4.5 degrees were measured before there was a task
    async with client(product) as pages:
        pages.headers.update(await signed_in(pages))
        sensor = await of_type(pages, "temperature")
        clock.at += MINUTE
        wanted = {"name": "Heat", "sensor": sensor["id"], "limit_value": 5}
        made = (await pages.post(f"{BASE}/task/", json=wanted)).json()
        assert (made["status"], made["sensor"], made["limit_value"]) == ("waiting", sensor["id"], 5)
        assert (made["sensor_name"], made["sensor_unit"]) == (sensor["name"], "°C")
        path = f"{BASE}/task/{made['id']}/"
        for value, status in ((5, "waiting"), (4.75, "overdue"), (9, "overdue")):
            clock.at += MINUTE
            await told(product, key, code, value, 50)
            await settled(product)
            assert (await pages.get(path)).json()["status"] == status
        clock.at += MINUTE
        assert (await pages.patch(path, json={"status": "waiting"})).json()["status"] == "waiting"
        off = (await pages.patch(path, json={"sensor": None})).json()
        assert off["sensor"] is None
        assert "sensor_name" not in off


async def test_the_live_socket_tells_of_alerts_of_sensors(product: Product, clock: HeldClock) -> None:
    key, code, device = await hall(product, clock)
    when = {"metric": "temperature", "device": device, "is": "below", "value": 5}
    then = [{"alert": {"severity": "critical", "message": "Freezing"}}]
    await posted(product, "/rules", name="Frost", place=product.place["id"], when=when, then=then)
    async with client(product) as pages:
        token = (await signed_in(pages))["Authorization"].removeprefix("Token ")
        pages.headers["Authorization"] = f"Token {token}"
        sensor = await of_type(pages, "temperature")
    browser = Browser(product, f"verger_session={token}")
    assert (await browser.sent.get())["type"] == "websocket.accept"
    clock.at += MINUTE
    await told(product, key, code, 3.25, 60)
    await settled(product)
    while (frame := await browser.frame())["type"] != "alert_update":
        pass
    assert (frame["payload"]["sensor"], frame["payload"]["message"]) == (sensor["id"], "Freezing")
    assert (frame["payload"]["severity"], frame["payload"]["is_resolved"]) == ("critical", False)
    browser.said.put_nowait({"type": "websocket.disconnect"})
    await browser.task


def test_lines_below_notes_are_read_as_they_were_written() -> None:
    extras = {"group": "Shore", "additional_info": "one\ntwo\n\nthree", "limit_value": "-5"}
    for text in ("", "Sweep.", "Two\n\nparts", "CottagePilot: is old"):
        assert parted(joined(text, extras)) == (text, extras)
        assert parted(joined(text, {})) == (text, {})


def test_what_people_write_among_the_lines_is_not_lost() -> None:
    text, extras = parted("Sweep.\n\nCottagePilot:\nGroup: Shore\nbring a broom\nMonth: 5")
    assert (text, extras) == ("Sweep.\nbring a broom", {"group": "Shore", "month_correlation": "5"})
