"""The estate of the demo: a place for each family, rooms below it, and what stands in them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plot:
    """A place; `family` is whose devices it is opened to, `within` names the place it lies in."""

    name: str
    kind: str
    timezone: str
    where: tuple[float, float]
    family: str = ""
    within: str = ""


COTTAGE = Plot("Lake cottage", "cottage", "Europe/Helsinki", (61.69, 27.27), "cottage")
SAUNA = Plot("Sauna", "room", COTTAGE.timezone, COTTAGE.where, within=COTTAGE.name)
FARM = Plot("Oyster farm", "farm", "Asia/Ho_Chi_Minh", (11.94, 108.44), "farm")
ROOM_1, ROOM_2 = (Plot(f"Room {n}", "room", FARM.timezone, FARM.where, within=FARM.name) for n in (1, 2))
BRANCH = Plot("Car wash Cheras", "branch", "Asia/Kuala_Lumpur", (3.09, 101.74), "ozone")
WORKSHOP = Plot("Joinery", "workshop", "Asia/Manila", (14.6, 120.98), "outlet")
KITCHEN = Plot("Kitchen herbs", "garden", "Europe/Berlin", (52.52, 13.41), "plant")

PLOTS = (COTTAGE, SAUNA, FARM, ROOM_1, ROOM_2, BRANCH, WORKSHOP, KITCHEN)
