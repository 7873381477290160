"""The estate of the demo: five kinds of place and the devices in them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plot:
    """A place: `devices` are names, of the kind `sort`; `within` names the place it lies in."""

    name: str
    kind: str
    timezone: str
    sort: str = ""
    devices: tuple[str, ...] = ()
    within: str | None = None


ESTATE = (
    Plot("Lake cottage", "cottage", "Europe/Helsinki", "cottage", ("Hall", "Bedroom", "Sauna porch")),
    Plot("Oyster farm", "farm", "Asia/Ho_Chi_Minh"),
    Plot("Room 1", "room", "Asia/Ho_Chi_Minh", "farm", ("Room 1 climate",), "Oyster farm"),
    Plot("Room 2", "room", "Asia/Ho_Chi_Minh", "farm", ("Room 2 climate",), "Oyster farm"),
    Plot("Ozone branch Cheras", "branch", "Asia/Kuala_Lumpur", "ozone", ("Machine 1", "Machine 2", "Machine 3")),
    Plot("Workshop outlets", "workshop", "Asia/Manila", "outlet", ("Bench", "Compressor", "Fridge")),
    Plot("Kitchen herbs", "garden", "Europe/Berlin", "plant", ("Basil", "Mint")),
)
