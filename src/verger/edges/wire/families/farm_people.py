"""The people's side of mushroom farms: accounts, farms and rooms, over Verger's own sessions and places."""

from typing import Any

from msgspec import structs

from verger.base.clock import moment
from verger.base.errors import Conflict, Forbidden, Invalid, Missing
from verger.base.ids import new_id
from verger.domain.places.model import Place
from verger.domain.telemetry.model import Garbled
from verger.domain.tenancy.model import Caller, Role
from verger.edges.wire.families.call import Call, Handler, Reply, compact
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.farm_shapes import FARM, ROOM, Farms, asks, success
from verger.edges.wire.families.people import cookie

_ROLES = {"admin": Role.owner, "manager": Role.manager, "viewer": Role.viewer}
_ROOM_ROLES = {"owner": Role.manager, "operator": Role.member, "viewer": Role.viewer}
_ABOUT_ROOM = ("description", "mushroom_type", "stage")
_ANY = "undefined"  # what the pages ask for where they know no farm
_NO_ACCOUNTS = "Accounts are made by people who run this organisation: ask one of them, or sign in and register others."


def body(call: Call) -> dict[str, Any]:
    """Return the object that was sent; raise Garbled."""
    told = call.json() if call.body else {}
    if not isinstance(told, dict):
        raise Garbled("Bad request")
    return told


# accounts


async def log_in(desk: Desk, call: Call) -> Reply:
    """Sign a person in; their token stands in every place where clients look for one."""
    told = body(call)
    if not told.get("email") or not told.get("password"):
        raise Garbled("Email and password are required")
    email, password = str(told["email"]), str(told["password"])
    user, tenants, token = await desk.people.log_in(email, password, "Invalid email or password")
    tokens = {"AccessToken": token, "RefreshToken": token, "IdToken": token}
    role = tenants[0].role if tenants else Role.viewer
    about = {"user_id": user.id, "email": user.email, "full_name": user.name, "role": role_told(role)}
    shown = {"message": "Login successful", "tokens": tokens, "access_token": token, "user": about}
    reply = compact(shown)
    return Reply(reply.status, reply.body, headers=cookie(call, token))


async def register(desk: Desk, call: Call) -> Reply:
    """Make an account, asked by somebody who may; nobody makes one for themselves."""
    told = body(call)
    for name in ("email", "password", "full_name"):
        if not told.get(name):
            raise Garbled(f"Missing required field: {name}")
    role = _ROLES.get(str(told.get("role") or "viewer"))
    if role is None:
        raise Garbled(f"Invalid role: choose one of {', '.join(_ROLES)}.")
    if not call.bearer():
        raise Forbidden(_NO_ACCOUNTS)
    caller = (await asks(desk, call, "members:write")).gives(role)
    name, email = str(told["full_name"]), str(told["email"])
    user = await desk.people.tenancy.users.add(caller.tenant, role, name, email, str(told["password"]))
    about = {"user_id": user.id, "email": user.email, "role": role_told(role)}
    return compact({"message": "User registered successfully", **about}, 201)


def role_told(role: Role) -> str:
    """Return a role in the words of this family."""
    return next((word for word, each in _ROLES.items() if each is role), "viewer")


# farms


async def farms(desk: Desk, call: Call) -> Reply:
    """List the farms."""
    there = await Farms.of(desk, (await asks(desk, call, "places:read")).tenant)
    return success(farms=[there.farm_told(each) for each in there.all()])


async def add_farm(desk: Desk, call: Call) -> Reply:
    """Make a farm."""
    caller, told = await asks(desk, call, "places:write"), body(call)
    if not _text(told, "name"):
        raise Garbled("Farm name is required")
    zone = (await desk.people.tenancy.users.tenant(caller.tenant)).timezone
    farm = await _placed(desk, caller, told, kind=FARM, timezone=zone, address=_text(told, "location"))
    shown = (await Farms.of(desk, caller.tenant)).farm_told(farm)
    return success(201, farm=shown, farm_id=farm.id)


async def farm(desk: Desk, call: Call) -> Reply:
    """Tell one farm."""
    there = await Farms.of(desk, (await asks(desk, call, "places:read")).tenant)
    return success(farm=there.farm_told(there.farm(call.args["farm"])))


async def change_farm(desk: Desk, call: Call) -> Reply:
    """Change what a farm is called, or where it is."""
    caller, told = await asks(desk, call, "places:write"), body(call)
    before = (await Farms.of(desk, caller.tenant)).farm(call.args["farm"])
    change = {"address": _text(told, "location")} if "location" in told else {}
    after = await _changed(desk, caller, before, told, change)
    return success(farm=(await Farms.of(desk, caller.tenant)).farm_told(after))


async def remove_farm(desk: Desk, call: Call) -> Reply:
    """Take a farm away that is empty; with ?contents=delete whatever is in it goes too."""
    caller = await asks(desk, call, "places:write")
    (await Farms.of(desk, caller.tenant)).farm(call.args["farm"])
    await desk.people.stories.clearing.clear(caller.tenant, call.args["farm"], call.query.get("contents"), None)
    return success(message="Farm deleted")


# rooms


async def rooms(desk: Desk, call: Call) -> Reply:
    """List the rooms of a farm, or all where the pages know none."""
    there = await Farms.of(desk, (await asks(desk, call, "places:read")).tenant)
    farm = None if call.args["farm"] == _ANY else there.farm(call.args["farm"]).id
    return success(rooms=[there.room_told(each) for each in there.rooms(farm)])


async def add_room(desk: Desk, call: Call) -> Reply:
    """Make a room of a farm."""
    caller, told = await asks(desk, call, "places:write"), body(call)
    farm = (await Farms.of(desk, caller.tenant)).farm(call.args["farm"])
    if not _text(told, "name"):
        raise Garbled("Room name is required")
    about = {name: told[name] for name in _ABOUT_ROOM if told.get(name) is not None}
    about.setdefault("stage", "incubation")
    room = await _placed(desk, caller, told, kind=ROOM, parent=farm.id, timezone=farm.timezone, attributes=about)
    shown = (await Farms.of(desk, caller.tenant)).room_told(room)
    return success(201, room=shown, room_id=room.id)


async def room(desk: Desk, call: Call) -> Reply:
    """Tell one room."""
    there = await Farms.of(desk, (await asks(desk, call, "places:read")).tenant)
    return success(room=there.room_told(there.room(call.args["room"])))


async def change_room(desk: Desk, call: Call) -> Reply:
    """Change a room."""
    caller, told = await asks(desk, call, "places:write"), body(call)
    before = (await Farms.of(desk, caller.tenant)).room(call.args["room"])
    about = before.attributes | {name: told[name] for name in _ABOUT_ROOM if name in told}
    after = await _changed(desk, caller, before, told, {"attributes": about})
    if "stage" in told:
        await desk.people.stories.growing.stand(caller.tenant, after.id, str(told["stage"]))
    return success(room=(await Farms.of(desk, caller.tenant)).room_told(after))


async def remove_room(desk: Desk, call: Call) -> Reply:
    """Take a room away that is empty; with ?contents=delete whatever is in it goes too."""
    caller = await asks(desk, call, "places:write")
    (await Farms.of(desk, caller.tenant)).room(call.args["room"])
    await desk.people.stories.clearing.clear(caller.tenant, call.args["room"], call.query.get("contents"), None)
    return success(message="Room deleted")


async def assign(desk: Desk, call: Call) -> Reply:
    """See that somebody may do in a room what a role of it allows: in Verger a role holds for all rooms."""
    caller, told = await asks(desk, call, "members:write"), body(call)
    (await Farms.of(desk, caller.tenant)).room(call.args["room"])
    if not told.get("user_id") or not told.get("role"):
        raise Garbled("user_id and role are required")
    role = _ROOM_ROLES.get(str(told["role"]))
    if role is None:
        raise Garbled("Invalid role")
    try:
        member = await desk.people.tenancy.members.get(caller.tenant, str(told["user_id"]))
    except Missing:
        raise Missing("User not found") from None
    if not member.role.covers(role):
        raise Conflict(f"{member.name} is a {member.role} here, in every room: make them a {role} under People.")
    return success(message=f"User assigned to room with role {told['role']}")


# as Verger keeps it


def _text(told: dict[str, Any], name: str) -> str:
    return str(told.get(name) or "").strip()


async def _placed(desk: Desk, caller: Caller, told: dict[str, Any], **about: Any) -> Place:
    stories = desk.people.stories
    fresh = Place(id=new_id(), name=_text(told, "name"), created_at=moment(stories.clock.now()), **about)
    made = await stories.places.add(caller.tenant, fresh)
    stories.provisioning.screens.changed(caller.tenant)
    return made


async def _changed(desk: Desk, caller: Caller, before: Place, told: dict[str, Any], change: dict[str, Any]) -> Place:
    stories = desk.people.stories
    if "name" in told:
        if not _text(told, "name"):
            raise Invalid("Give it a name.")
        change = change | {"name": _text(told, "name")}
    after = await stories.places.change(caller.tenant, structs.replace(before, **change))
    stories.provisioning.screens.changed(caller.tenant)
    return after


ROUTES: list[tuple[str, str, Handler]] = [
    ("POST", "/auth/login", log_in),
    ("POST", "/auth/register", register),
    ("GET", "/farms", farms),
    ("POST", "/farms", add_farm),
    ("GET", "/farms/{farm}", farm),
    ("PUT", "/farms/{farm}", change_farm),
    ("DELETE", "/farms/{farm}", remove_farm),
    ("GET", "/farms/{farm}/rooms", rooms),
    ("POST", "/farms/{farm}/rooms", add_room),
    ("GET", "/rooms/{room}", room),
    ("PUT", "/rooms/{room}", change_room),
    ("DELETE", "/rooms/{room}", remove_room),
    ("POST", "/rooms/{room}/assign", assign),
]
