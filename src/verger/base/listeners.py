"""Settings that name ports, and what is heard there; addresses of devices that are called, and origins of pages."""

import re
from ipaddress import IPv4Address

_PORTS = range(65536)
_ORIGIN = re.compile(r"https?://(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")


def host(text: str) -> str:
    """Return the host that is listened at."""
    if not text or any(c.isspace() or c in "/:@" for c in text.strip("[]").replace(":", "")):
        raise ValueError("a host name or an IP address, such as 127.0.0.1")
    return text


def listeners(text: str) -> tuple[tuple[int, str], ...]:
    """Return (port, id) of the MQTT ports whose clients come as the API key or the enrolment of an id."""
    pairs = [part.strip().partition(":") for part in text.split(",") if part.strip()]
    if not all(port.isdecimal() and int(port) in _PORTS and key.strip() for port, _, key in pairs):
        raise ValueError("ports and ids of API keys or enrolments separated by commas, such as 1884:<id of an API key>")
    return tuple((int(port), key.strip()) for port, _, key in pairs)


def family_ports(text: str) -> tuple[tuple[str, int, str], ...]:
    """Return (dialect, port, enrolment) of the HTTP ports at which one family is spoken; "" for any enrolment."""
    parts = [[*part.strip().split(":"), ""][:3] for part in text.split(",") if part.strip()]
    if not all(len(part) == 3 and part[0] and part[1].isdecimal() and int(part[1]) in _PORTS for part in parts):
        raise ValueError(
            "dialects, ports and ids of enrolments separated by commas, such as outlet:8001:<enrolment id>"
        )
    return tuple((name.strip(), int(port), enrolment.strip()) for name, port, enrolment in parts)


def family(text: str) -> str:
    """Return the name of a dialect."""
    if not text.strip().isalpha():
        raise ValueError("the name of a dialect, such as outlet")
    return text.strip().lower()


def origins(text: str) -> tuple[str, ...]:
    """Return the origins of pages, as browsers write them."""
    found = tuple(part.strip().rstrip("/").lower() for part in text.split(",") if part.strip())
    if not all(_ORIGIN.fullmatch(each) for each in found):
        raise ValueError("origins separated by commas, such as https://old.example.org,http://192.168.1.20:5173")
    return found


def units(text: str) -> tuple[tuple[str, str], ...]:
    """Return (device, address and port) of control units of power outlets that may be called."""
    pairs = [part.strip().partition("@") for part in text.split(",") if part.strip()]
    found = []
    for device, _, address in pairs:
        number, _, port = address.partition(":")
        try:
            fine = bool(device) and int(port or 80) in _PORTS[1:] and IPv4Address(number).is_private
        except ValueError:
            fine = False
        if not fine:
            raise ValueError("ids of devices and their addresses, such as <id>@192.168.1.20,<id>@192.168.1.21:8080")
        found.append((device.strip(), f"{number}:{port or 80}"))
    return tuple(found)
