"""Signing in and out."""

from typing import Annotated, Any

from litestar import Request, Response, post
from msgspec import Meta, Struct

from verger.base.errors import Unknown
from verger.base.secrets import digest
from verger.domain.tenancy.model import Membership, Password, User, known_as
from verger.edges.api.door import OPEN, bearer_token, cookie_token, keep_cookie, refuse_foreign
from verger.edges.api.given import Given, JSONBody, System, Whence


class Credentials(Struct, frozen=True, forbid_unknown_fields=True):
    """An e-mail address and its password."""

    email: Annotated[str, Meta(max_length=254)]
    password: Password


class SignedIn(Struct, frozen=True):
    """Who you are, where you are a member, and the token of your session."""

    user: User
    tenants: list[Membership]
    token: str


@post("/auth/login", status_code=200, opt=OPEN, summary="Sign in", tags=["sign-in"])
async def log_in(data: JSONBody[Credentials], system: Given[System], whence: Given[Whence]) -> Response[SignedIn]:
    """Sign in with e-mail and password; failures are answered ever more slowly."""
    proof = system.tenancy.users.prove(data.email, data.password)
    account, address = f"account:{known_as(data.email)}", f"address:{whence.address}"
    user = await system.slowness.unless_right(proof, account, address)
    tenants, token = await system.tenancy.users.memberships(user.id), await system.tenancy.sessions.open(user.id)
    return keep_cookie(Response(SignedIn(user, tenants, token), status_code=200), token, whence)


@post("/auth/logout", status_code=204, opt=OPEN, summary="Sign out", tags=["sign-in"])
async def log_out(request: Request[Any, Any, Any], system: Given[System], whence: Given[Whence]) -> Response[None]:
    """End the session whose token was sent."""
    bearer = bearer_token(request.headers)
    token = bearer or cookie_token(request.headers)
    refuse_foreign(request.method, request.headers, whence, asked_by_cookie=token is not None and bearer is None)
    if token is None or not await system.tenancy.sessions.end(digest(token)):
        raise Unknown("You are not signed in.")
    return keep_cookie(Response(None, status_code=204), "", whence)
