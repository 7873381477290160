"""Refusals: a device of ours whose message was refused reads why on its log page."""

from contextlib import suppress

from verger.base.errors import Busy, Refused, Unknown
from verger.edges.wire.families.call import Call, Route, Shown
from verger.edges.wire.families.desk import Desk

_ELSEWHERE = (Busy, Unknown, Shown)  # our own fault, nobody of ours, or on its page already


async def show(desk: Desk, route: Route, call: Call, refused: Refused) -> None:
    """Show on the log page of a device why its message was refused, as far as it is known whose it was."""
    if isinstance(refused, _ELSEWHERE):
        return
    with suppress(Refused):
        if device := await route.sender(desk, call):
            desk.house.remark(device, "refused", str(refused))
