"""Accounts and cottages of CottagePilot: Verger's own people and organisations, in its words."""

from typing import Any

import msgspec

from verger.base.errors import Conflict, Forbidden, Invalid
from verger.domain.tenancy.model import Role
from verger.edges.wire.families.call import Call, Handler, Reply, compact
from verger.edges.wire.families.cottage_members import about
from verger.edges.wire.families.cottage_tasks import asks
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.people import cookie

_NO_ACCOUNTS = "Accounts are made by people who run this organisation: ask one of them, or sign in and register others."
_WRONG = "Invalid username or password"


async def log_in(desk: Desk, call: Call) -> Reply:
    """Sign a person in by their e-mail address, and tell the token in both shapes that clients read."""
    told = call.form()
    user, tenants, token = await desk.people.log_in(told.get("username", ""), told.get("password", ""), _WRONG)
    shown = about(user, tenants[0].id if tenants else None)
    active = "true" if tenants else "false"
    body = {"token": token, "created": False, "user": shown, "account": shown, "cottageInstanceActive": active}
    return Reply(200, msgspec.json.encode(body), headers=cookie(call, token))


def wrong(status: int, sentence: str) -> Reply | None:
    """Return how a failed sign-in is told."""
    return compact({"non_field_errors": [sentence]}, 400) if status == 401 and sentence == _WRONG else None


async def sign_up(desk: Desk, call: Call) -> Reply:
    """Make an account, asked by somebody who may; nobody makes one for themselves."""
    told = call.form()
    if not call.bearer("Token"):
        return _not_signed_up("username", _NO_ACCOUNTS)
    try:
        caller = (await asks(desk, call, "members:write")).gives(Role.member)
    except Forbidden as why:
        return _not_signed_up("username", str(why))
    name, email, password = (told.get(field, "") for field in ("username", "email", "password1"))
    for field, sentence, fine in (
        ("username", "This field is required.", name.strip()),
        ("email", "Enter a valid email address.", "@" in email.strip("@ ")),
        ("password2", "The two password fields didn't match.", password == told.get("password2")),
    ):
        if not fine:
            return _not_signed_up(field, sentence)
    try:
        user = await desk.people.tenancy.users.add(caller.tenant, Role.member, name, email, password)
    except (Conflict, Invalid) as why:
        return _not_signed_up("email" if isinstance(why, Conflict) else "password1", str(why))
    token = await desk.people.tenancy.sessions.open(user.id, caller.tenant)
    more = {"redirect": "/dashboard/", "cottageInstanceActive": "true", "user": about(user, caller.tenant)}
    return compact({"token": token, "created": True, **more})


def _not_signed_up(field: str, sentence: str) -> Reply:
    """Refuse as the pages read it, with this status."""
    told: dict[str, Any] = {"token": "no", "created": "no", "user": None, "redirect": "/add-or-create-cottage/"}
    return compact(told | {"cottageInstanceActive": "false", "message": {field: [sentence]}}, 404)


async def cottage(desk: Desk, call: Call) -> Reply:
    """Tell of the organisation that a person acts in."""
    caller = await asks(desk, call, "places:read")
    caller.person()
    return compact({"status": "success", "results": await _cottage(desk, caller.tenant)})


async def cottages(desk: Desk, call: Call) -> Reply:
    """List the organisations of a person."""
    caller = await asks(desk, call, "places:read")
    mine = await desk.people.tenancy.users.memberships(caller.person().id)
    return compact({"status": "success", "results": [await _cottage(desk, each.id) for each in mine]})


async def _cottage(desk: Desk, tenant: str) -> dict[str, Any]:
    found, members = await desk.people.tenancy.users.tenant(tenant), await desk.people.tenancy.members.everyone(tenant)
    owner = next((each for each in members if each.role is Role.owner), None)
    told: dict[str, Any] = {"id": found.id, "name": found.name, "owner": owner.id if owner else None}
    told |= {"ownerUsername": owner.email if owner else "", "address": ""}
    return told | {"stripe_subscription": "Premium", "stripe_payment_status_int": 1}


ACCOUNTS: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/login/", log_in),
    ("POST", "/signup/", sign_up),
    ("GET", "/cottage/me/", cottage),
    ("GET", "/cottage/user-cottages/", cottages),
)
