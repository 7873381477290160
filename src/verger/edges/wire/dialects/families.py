"""The families that are spoken over MQTT; a family is one line here, one file beside, and a page in docs/wire."""

from verger.edges.wire.dialects import cottage, farm, ozone
from verger.edges.wire.dialects.family import Family

SPOKEN: dict[str, Family] = {
    family.name: family
    for family in (
        cottage.FAMILY,
        farm.FAMILY,
        ozone.FAMILY,
        # one line each
    )
}
