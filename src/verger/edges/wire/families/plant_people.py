"""The people's side of plant-care devices: accounts, how planters are tended, and alerts, over our own sessions."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from verger.base.clock import moment
from verger.base.errors import Conflict, Forbidden, Invalid, Missing, Unknown
from verger.base.pages import MOST, Asked
from verger.domain.alerts.model import Alert, AlertState
from verger.domain.alerts.store import Wanted
from verger.domain.devices.model import Device
from verger.domain.tenancy.model import Caller, Permission, Role, User
from verger.edges.wire.dialects import plant
from verger.edges.wire.families.call import Call, Handler, Reply, compact, whole
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.plant_shapes import planters, profile_told
from verger.flows.cycles import Cycle
from verger.flows.tending import Tending, rule_id

_TYPES = {"cold": "temp_low", "hot": "temp_high", "reservoir": "water_low", "cooldown": "watering_cooldown"}
_SEVERITIES = {"warning": "warn"}
_NO_ACCOUNTS = "Accounts are made by people who run this organisation: ask one of them, or sign in and register others."


class SignIn(Struct, frozen=True):
    """An e-mail address and its password."""

    email: str
    password: str


class ProfileChange(Struct, frozen=True):
    """What to change of a profile; what is left out stays, and no lamp schedule ends it."""

    soil_moisture_min: float | UnsetType = UNSET
    soil_moisture_max: float | UnsetType = UNSET
    temp_min: float | UnsetType = UNSET
    temp_max: float | UnsetType = UNSET
    min_water_level: float | UnsetType = UNSET
    watering_duration_sec: float | UnsetType = UNSET
    watering_cooldown_min: float | UnsetType = UNSET
    lamp_schedule: dict[str, int] | UnsetType | None = UNSET


async def asks(desk: Desk, call: Call, needs: Permission) -> Caller:
    """Return who asks, if they may; raise Unknown or Forbidden."""
    if "authorization" not in call.headers:
        raise Unknown("Missing credentials")
    try:
        return await desk.people.caller(call, needs)
    except Unknown:
        raise Unknown("Invalid token") from None


# accounts


async def log_in(desk: Desk, call: Call) -> Reply:
    """Sign a person in."""
    told = plant.body(call.body, SignIn)
    user, _, token = await desk.people.log_in(told.email, told.password, "Invalid credentials")
    return compact(_tokens(desk, token) | {"user": _user(user), "is_admin": False})


async def register(desk: Desk, call: Call) -> Reply:
    """Make an account, asked by somebody who may, and sign the new person in; nobody makes one for themselves."""
    made = await _made(desk, call)
    if made is None:
        return _taken()
    tenant, user = made
    token = await desk.people.tenancy.sessions.open(user.id, tenant)
    return compact(_tokens(desk, token) | {"user": _user(user), "is_admin": False}, 201)


async def add_user(desk: Desk, call: Call) -> Reply:
    """Make an account, asked by somebody who may; a language is not kept here."""
    made = await _made(desk, call)
    return _taken() if made is None else compact(_user(made[1]), 201)


async def _made(desk: Desk, call: Call) -> tuple[str, User] | None:
    """Return the organisation and the person of a new account, None where there is one; raise Forbidden or Unfit."""
    told = plant.body(call.body, SignIn)
    if "authorization" not in call.headers:
        raise Forbidden(_NO_ACCOUNTS)
    caller = (await asks(desk, call, "members:write")).gives(Role.member)
    if "@" not in told.email.strip("@ "):
        raise plant.unfit("value is not a valid email address", "email")
    name = told.email.strip().partition("@")[0]
    try:
        made = await desk.people.tenancy.users.add(caller.tenant, Role.member, name, told.email, told.password)
    except Conflict:
        return None
    except Invalid as why:  # of the password
        raise plant.unfit(str(why), "password") from None
    return caller.tenant, made


def _taken() -> Reply:
    return compact({"detail": "Email already registered"}, 400)


async def renewed(desk: Desk, token: str) -> Reply:
    """Exchange the token of a session for that of a new one, which takes its place."""
    try:
        _, fresh = await desk.people.renew(token)
    except Unknown:
        raise Unknown("Invalid refresh token") from None
    return compact(_tokens(desk, fresh))


async def me(desk: Desk, call: Call) -> Reply:
    """Tell a person who they are."""
    return compact(_user((await asks(desk, call, "devices:read")).person()))


def _tokens(desk: Desk, token: str) -> dict[str, str]:
    """Return a session as a pair of tokens; one and the same is both, and ends when the session does."""
    until = moment(desk.people.stories.clock.now()) + desk.people.tenancy.sessions.lifetime
    kinds = {"access_token": token, "refresh_token": token, "token_type": "bearer"}
    return kinds | {"expires_at": plant.moment_text(until)}


def _user(user: User) -> dict[str, Any]:
    return {"id": user.id, "email": user.email, "locale": None}


# how a planter is tended


async def automation(desk: Desk, call: Call) -> Reply:
    """Tell the profile of a planter."""
    caller = await asks(desk, call, "rules:read")
    found = await planters(desk, caller.tenant).find(call.args["device"])
    profile = await Tending(desk.people.stories.ruling).get(caller.tenant, found)
    return compact(_automation(found.id, call.args["device"], profile))


async def change_automation(desk: Desk, call: Call) -> Reply:
    """Merge a change into the profile of a planter; it is kept as rules."""
    caller = await asks(desk, call, "rules:write")
    told = plant.body(call.body, ProfileChange)
    found = await planters(desk, caller.tenant).find(call.args["device"])
    names = [name for name in told.__struct_fields__ if getattr(told, name) is not UNSET]
    change: dict[str, Any] = {name: getattr(told, name) for name in names}
    if change.get("lamp_schedule") is not None:
        try:
            change["lamp_schedule"] = msgspec.convert(change["lamp_schedule"], Cycle)
        except msgspec.ValidationError:
            raise plant.unfit("Field required: on_minutes, off_minutes", "lamp_schedule") from None
    profile = await Tending(desk.people.stories.ruling).put(caller.tenant, found, change)
    return compact(_automation(found.id, call.args["device"], profile))


def _automation(device: str, address: str, profile: Any) -> dict[str, Any]:
    return {"id": rule_id(device, "water"), "device_id": address} | profile_told(profile)


# alerts


async def alerts(desk: Desk, call: Call) -> Reply:
    """List the alerts of planters, the newest first."""
    caller = await asks(desk, call, "alerts:read")
    there = planters(desk, caller.tenant)
    named = call.query.get("device_id")
    whose = _Whose([await there.find(named)] if named else await there.all())
    wanted = Wanted(about=(tuple(whose.devices), tuple(whose.rules)))
    if call.query.get("unresolved_only", "").lower() in {"1", "true", "yes"}:
        states = tuple(state for state in AlertState if state.open)
        wanted = msgspec.structs.replace(wanted, states=states)
    asked = Asked(limit=whole(call.query.get("limit", ""), 1, MOST, MOST))
    page = await desk.people.stories.alerting.page(caller.tenant, asked, None, wanted)
    return compact([whose.told(each) for each in page.items])


async def resolve(desk: Desk, call: Call) -> Reply:
    """End an alert of a planter."""
    caller = await asks(desk, call, "alerts:write")
    whose = _Whose(await planters(desk, caller.tenant).all())
    alerting = desk.people.stories.alerting
    try:
        found = await alerting.store.get(caller.tenant, call.args["alert"])
    except Missing:
        found = None
    if found is None or not whose.knows(found):
        raise Missing("Alert not found")
    return compact(whose.told(await alerting.resolve(caller.tenant, found.id, caller.who.id)))


class _Whose:
    """Knows of which planter an alert tells: a rule of a profile speaks of one, though its alerts name no device."""

    def __init__(self, devices: Iterable[Device]) -> None:
        self.devices = {device.id: device.address for device in devices}
        self.rules = {rule_id(device, kind): (device, kind) for device in self.devices for kind in _TYPES}

    def knows(self, alert: Alert) -> bool:
        return alert.device in self.devices or alert.rule in self.rules

    def told(self, alert: Alert) -> dict[str, Any]:
        device, kind = self.rules.get(alert.rule, (alert.device or "", ""))
        return {
            "id": alert.id,
            "device_id": self.devices.get(device),
            "type": _TYPES.get(kind, "offline" if alert.rule == "silence" else "rule"),
            "severity": _SEVERITIES.get(alert.severity, str(alert.severity)),
            "message": alert.message,
            "created_at": alert.opened_at,
            "resolved_at": alert.resolved_at or alert.cleared_at,
        }


ROUTES: list[tuple[str, str, Handler]] = [
    ("POST", "/auth/login", log_in),
    ("POST", "/auth/register", register),
    ("POST", "/users", add_user),
    ("GET", "/users/me", me),
    ("GET", "/devices/{device}/automation", automation),
    ("PUT", "/devices/{device}/automation", change_automation),
    ("GET", "/alerts", alerts),
    ("PATCH", "/alerts/{alert}/resolve", resolve),
]
