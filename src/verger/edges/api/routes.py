"""The routes of what is looked after: places, devices, and what they measured."""

from collections.abc import Mapping

from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler

from verger.edges.api import (
    backups,
    bridges,
    claims,
    commands,
    deletions,
    device_types,
    devices,
    exports,
    history,
    imports,
    jobs,
    joining,
    limits,
    overview,
    places,
    retention,
    system,
)
from verger.edges.api.grounds import Grounds

LOOKED_AFTER: tuple[HTTPRouteHandler, ...] = (
    places.items,
    places.add,
    places.read,
    places.change,
    places.remove,
    device_types.items,
    device_types.add,
    device_types.read,
    device_types.change,
    device_types.remove,
    devices.items,
    devices.add,
    devices.read,
    devices.change,
    devices.retire,
    devices.renew,
    devices.replace,
    devices.stays,
    devices.latest,
    devices.remarks,
    claims.claim,
    claims.state,
    claims.offer,
    claims.end,
    joining.read,
    joining.renew,
    joining.change,
    joining.end,
    joining.policy,
    joining.decide,
    history.of_device,
    history.of_place,
    history.readings,
    history.events,
    history.attribute,
    backups.items,
    backups.plan,
    backups.add,
    backups.read,
    backups.verify,
    bridges.items,
    bridges.add,
    bridges.read,
    bridges.change,
    bridges.remove,
    commands.ask,
    commands.items,
    commands.together,
    commands.off,
    commands.turn_off,
    commands.of_device,
    commands.read,
    commands.cancel,
    exports.add,
    exports.file,
    imports.upload,
    imports.add,
    jobs.items,
    jobs.read,
    jobs.cancel,
    limits.items,
    overview.today,
    deletions.items,
    deletions.read,
    deletions.me,
    deletions.member,
    retention.items,
    retention.add,
    retention.preview,
    retention.run,
    retention.read,
    retention.change,
    retention.remove,
    system.read,
)


def given(grounds: Grounds) -> Mapping[str, Provide]:
    """Return the word that these routes ask for."""

    def give_grounds() -> Grounds:
        return grounds

    return {"grounds": Provide(give_grounds, sync_to_thread=False)}
