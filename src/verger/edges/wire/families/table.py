"""The families that are spoken over HTTP; a family is one line here and one file beside."""

from verger.edges.wire.families import cottage, farm, outlet, ozone, plant
from verger.edges.wire.families.call import HttpFamily

SPOKEN: dict[str, HttpFamily] = {
    family.name: family
    for family in (
        cottage.FAMILY,
        plant.FAMILY,
        ozone.FAMILY,
        outlet.FAMILY,
        farm.FAMILY,
        # one line each
    )
}
