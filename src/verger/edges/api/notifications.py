"""What you were told, and whether you have seen it."""

from typing import Annotated

from litestar import get, post
from litestar.params import QueryParameter
from msgspec import Meta, Struct

from verger.base.pages import Page
from verger.edges.api.given import Asked, Caller, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds
from verger.flows.telling import Received

_TAGS = ["notifications"]

Some = Annotated[tuple[Annotated[str, Meta(max_length=200)], ...], Meta(max_length=500)]


class Unread(Struct, frozen=True):
    """How many notifications you have not seen."""

    unread: int


class Seen(Struct, frozen=True, forbid_unknown_fields=True):
    """Which notifications you have seen; all of them when none are named."""

    notifications: Some | None = None


@get("/me/notifications", summary="List what I was told, the newest first", tags=_TAGS)
async def items(
    caller: Given[Caller],
    grounds: Given[Grounds],
    asked: Given[Asked],
    unread: Annotated[bool, QueryParameter(description="Only what you have not seen.")] = False,  # noqa: FBT002
) -> Page[Received]:
    """Return a page of your notifications in this organisation, and how far each came by your ways."""
    return await grounds.telling.page(caller.tenant, caller.person().id, asked, unread=unread)


@get("/me/notifications/unread", summary="Count what I have not seen", tags=_TAGS)
async def count(caller: Given[Caller], grounds: Given[Grounds]) -> Unread:
    """Return how many of your notifications you have not seen."""
    return Unread(await grounds.telling.room.inbox.unread(caller.tenant, caller.person().id))


@post("/me/notifications/read", summary="Say that I have seen some, or all", tags=_TAGS, status_code=200)
async def seen(data: JSONBody[Seen], caller: Given[Caller], grounds: Given[Grounds]) -> Unread:
    """Note that you have seen some notifications; return how many are left. Your other screens are told."""
    return Unread(await grounds.telling.seen(caller.tenant, caller.person().id, data.notifications))


@get("/me/notifications/{notification:str}", summary="Read a notification", tags=_TAGS)
async def read(notification: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Received:
    """Return one of your notifications."""
    return await grounds.telling.get(caller.tenant, caller.person().id, notification)
