"""The people of a cottage: what one may change about oneself, and who the others are."""

from typing import Any
from urllib.parse import urlencode

import msgspec

from verger.base.errors import Invalid, Missing, Refused
from verger.base.secrets import new_token
from verger.domain.tenancy.model import AboutMe, Caller, Member, User, known_as
from verger.edges.wire.families.call import Call, Handler, Reply, compact
from verger.edges.wire.families.cottage_sensors import listed
from verger.edges.wire.families.cottage_tasks import asks
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.people import Unproven

WRONG_OLD = "Wrong old password."
_REQUIRED = "This field is required."
_FIXED = "This is the address that one signs in with; it cannot be changed."
_NO_COTTAGE = "Cottage not found for user"
_NO_NAME = "Write a name of 1 to 120 characters."


def about(user: User | Member, cottage: str | None) -> dict[str, Any]:
    """Return a person as the pages read them; the name that Verger knows is two there."""
    first, _, last = user.name.partition(" ")
    told = {"id": user.id, "username": user.email, "email": user.email, "first_name": first, "last_name": last}
    return told | {"user_color": "#3C86FE", "access_to_cottage": cottage, "cottage_plan": "Premium"}


def told_object(call: Call) -> dict[str, Any]:
    """Return the fields that were sent; raise Invalid."""
    told = call.json() if call.body else {}
    if not isinstance(told, dict):
        raise Invalid("Send an object.")
    return told


def wrong(status: int, sentence: str) -> Reply | None:
    """Return how it is told that an old password was not right."""
    return _unchanged({"old_password": [WRONG_OLD]}) if status == 401 and sentence == WRONG_OLD else None


async def csrf(_desk: Desk, call: Call) -> Reply:
    """Give the pages the token that they ask for first; nothing here is done by a cookie, so nothing asks for it."""
    token = new_token("csrf").rpartition("_")[2]
    told = f"csrftoken={token}; Path=/; SameSite=Lax" + "; Secure" * call.secure
    return Reply(201, msgspec.json.encode({"csrfToken": token}), headers={b"set-cookie": told.encode()})


async def me(desk: Desk, call: Call) -> Reply:
    """Tell people who they are."""
    caller = await asks(desk, call, "devices:read")
    return _told(about(caller.person(), caller.tenant))


async def change_me(desk: Desk, call: Call) -> Reply:
    """Change what one is called, or act in another of one's cottages; what is sent as it is changes nothing."""
    caller, told = await asks(desk, call, "devices:read"), told_object(call)
    user, faults = caller.person(), dict[str, list[str]]()
    for field in ("username", "email"):
        if told.get(field) not in (None, "") and known_as(str(told[field])) != known_as(user.email):
            faults[field] = [_FIXED]
    change = _named(user, told)
    if change is None:
        faults["first_name"] = [_NO_NAME]
    wanted = told.get("access_to_cottage") or caller.tenant
    if wanted not in {each.id for each in await desk.people.tenancy.users.memberships(user.id)}:
        faults["access_to_cottage"] = [_NO_COTTAGE]
    if faults or change is None:
        return compact(faults, 400)
    user = await desk.people.tenancy.users.change(user.id, change, caller.session)
    return _told(about(user, await _goes_to(desk, call, caller, str(wanted))))


def _named(user: User, told: dict[str, Any]) -> AboutMe | None:
    """Return what is changed about a name, None where it is none."""
    before = about(user, None)
    parts = [before[field] if told.get(field) is None else told[field] for field in ("first_name", "last_name")]
    name = " ".join(str(part).strip() for part in parts).strip()
    if name == user.name:
        return AboutMe()
    try:
        return msgspec.convert({"name": name}, AboutMe)
    except msgspec.ValidationError:
        return None


async def _goes_to(desk: Desk, call: Call, caller: Caller, wanted: str) -> str:
    """Let a person act in one of their organisations from now on; return it."""
    if wanted != caller.tenant:
        await desk.people.tenancy.caller(call.bearer("Token"), wanted)
    return wanted


async def select(desk: Desk, call: Call) -> Reply:
    """Act in another of one's organisations from now on."""
    caller = await asks(desk, call, "places:read")
    body = call.json()
    wanted = str(body.get("id", "")) if isinstance(body, dict) else ""
    try:
        await desk.people.tenancy.caller(call.bearer("Token"), wanted)
    except Refused:
        return compact({"error": _NO_COTTAGE}, 404)
    caller.person()
    return compact({"status": "success"})


async def change_password(desk: Desk, call: Call) -> Reply:
    """Change one's password by the old one; one's other sessions end. What is wrong is told with 200, as it was."""
    caller, told = await asks(desk, call, "devices:read"), told_object(call)
    user, names = caller.person(), ("old_password", "new_password")
    missing = {name: [_REQUIRED] for name in names if not isinstance(told.get(name), str) or not told[name]}
    if missing:
        return _unchanged(missing)
    wish = AboutMe(password=told["new_password"], current_password=told["old_password"])
    try:
        await desk.people.tenancy.users.change(user.id, wish, caller.session)
    except Invalid as why:
        if any(fault.field == "current_password" for fault in why.faults):
            raise Unproven(WRONG_OLD, caller.name) from None
        return _unchanged({"new_password": [str(why)]})
    desk.people.patience.succeeded(caller.name)
    return compact({"status": "true", "message": "New password set."})


def _unchanged(errors: dict[str, list[str]]) -> Reply:
    return compact({"status": "false", "errors": errors})


async def together(desk: Desk, call: Call) -> Reply:
    """List the people of one's cottage, as calendars show them."""
    caller = await asks(desk, call, "members:read")
    everyone = [about(each, caller.tenant) for each in await desk.people.tenancy.members.everyone(caller.tenant)]
    return _told([{name: each[name] for name in ("id", "username", "user_color")} for each in everyone])


async def accounts(desk: Desk, call: Call) -> Reply:
    """List the people of one's cottage, and nobody else."""
    caller, words = await asks(desk, call, "members:read"), call.query.get("search", "").lower()
    everyone = [about(each, caller.tenant) for each in await desk.people.tenancy.members.everyone(caller.tenant)]
    found = [each for each in everyone if words in each["username"].lower()]
    if (order := call.query.get("ordering", "")) in {"username", "-username"}:
        found.sort(key=lambda each: str(each["username"]).lower(), reverse=order.startswith("-"))
    more = {name: call.query[name] for name in ("search", "ordering") if call.query.get(name)}
    return compact(listed(call.base + call.path, found, call.query.get("page", ""), urlencode(more)))


async def account(desk: Desk, call: Call) -> Reply:
    """Tell of one person of one's cottage."""
    caller = await asks(desk, call, "members:read")
    try:
        found = await desk.people.tenancy.members.get(caller.tenant, call.args["account"])
    except Missing:
        raise Missing("Not found.") from None
    return compact(about(found, caller.tenant))


def _told(results: Any) -> Reply:
    return compact({"status": "success", "results": results})


MEMBERS: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/csrf/", csrf),
    ("GET", "/account/me/", me),
    ("POST", "/account/me/", change_me),
    ("POST", "/account/change-password/", change_password),
    ("GET", "/account/fetchCottageUsers/", together),
    ("GET", "/account/", accounts),
    ("GET", "/account/{account}/", account),
    ("POST", "/cottage/select-cottage/", select),
)
