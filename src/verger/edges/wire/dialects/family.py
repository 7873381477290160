"""The words in which a family's dialect tells the wire who spoke, what was said, and what is to be sent back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo

from msgspec import Struct, structs

from verger.base.errors import Fault
from verger.domain.devices.families import identity
from verger.domain.telemetry.model import Said
from verger.edges.wire.dialects.native_words import Ask, Frame

__all__ = ["Ask", "Family", "Fault", "Frame", "Reached", "Spoken", "Voice"]

_NOT_ITS_LINE = "It was spoken for on a connection that names another device."
_LISTENED = "What it is told was listened for on a connection that names another device."


class Voice(Struct, frozen=True, gc=False):
    """One physical device that speaks in a message, by the address that its family knows it by.

    An address that ends with a colon is that of whoever is at the other end, known by the connection.
    `secret` is None where the family sends none, "" where the device asks for one, else what it brought along.
    `channels` are the family's own ids of what is measured, by the metric in `said`. `path` are the places that the
    device says it stands in, outermost first, as (kind, name). `gateway` is the address of the one that speaks for it.
    `reach` is handed back to `write`: whatever it needs to find the device again. `lie` is a sentence about how the
    message contradicts itself, such as the topic of one device and the id of another: nothing of it is kept.
    """

    address: str
    said: tuple[Said, ...] = ()
    secret: str | None = None
    channels: dict[str, str] = {}
    path: tuple[tuple[str, str], ...] = ()
    gateway: str = ""
    reach: str = ""
    refused: tuple[Fault, ...] = ()
    lie: str = ""


class Spoken(Struct, frozen=True, gc=False):
    """What a message means: who said what in it, and what goes straight back to its sender, such as an echo.

    One device speaks in a message, if any does, so that a message is kept, refused or sent again as a whole.
    """

    voice: Voice | None = None
    echo: tuple[Frame, ...] = ()


def addressed(spoken: Spoken, name: Callable[[str], str]) -> Spoken:
    """Return what was said with a name for whoever gave no more than the beginning of an address, up to a colon."""
    voice = spoken.voice
    if voice is None or not voice.address.endswith(":"):
        return spoken
    return structs.replace(spoken, voice=structs.replace(voice, address=name(voice.address)))


def own(address: str, name: Callable[[str], str]) -> str:
    """Return an address, with a name for whoever gave no more than its beginning."""
    return name(address) if address.endswith(":") else address


class Reached(Struct, frozen=True, gc=False):
    """A device that an order goes to: its address, its channels as a person named them, and its last `reach`."""

    address: str
    channels: dict[str, str] = {}
    reach: str = ""


def _nothing(*_: object) -> list[Frame]:
    return []


def _nobody(_: str) -> None:
    return None


def _no_name(_: str) -> str:
    return ""


def _no_sender(_: Frame) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Family:
    """One family over MQTT; every field is pure, and what makes no sense raises Garbled.

    `hears`: whether a topic is the family's. `may_hear`: whether a device may subscribe to a topic filter.
    `read`: a message, with the time zone of its place, to what it means. `write`: an order to what is sent, nothing
    where the device cannot be told. `granted`: the frames by which a device that asked is told its secret.
    `listens`: the device whose commands a topic filter asks for. `named`: the address that a client id tells, "" where
    it tells none; another device does not speak on its connection. `whose`: the address in a topic at which a device
    speaks, and `told_at`: where that device listens, each "" where the topic does not tell. `answers`: whether a device
    says what became of a command. `sender`: the address of whoever sent a message that makes no sense, where its topic
    does not tell it, else "".
    """

    name: str
    hears: Callable[[str], bool]
    may_hear: Callable[[str], bool]
    read: Callable[[Frame, tzinfo], Spoken]
    write: Callable[[Ask, Reached], list[Frame]] = _nothing
    granted: Callable[[Voice, str], list[Frame]] = _nothing
    listens: Callable[[str], Voice | None] = _nobody
    named: Callable[[str], str] = _no_name
    whose: Callable[[str], str] = _no_name
    told_at: Callable[[str], str] = _no_name
    answers: bool = True
    sender: Callable[[Frame], str] = _no_sender


def held_to(family: Family, client_id: str, spoken: Spoken) -> Spoken:
    """Return what was said, as a lie of whoever is another than the one that the client id names."""
    own, voice = family.named(client_id), spoken.voice
    if not own or voice is None or identity(family.name, voice.address) == identity(family.name, own):
        return spoken
    return structs.replace(spoken, voice=structs.replace(voice, lie=_NOT_ITS_LINE))


def overheard(family: Family, client_id: str, topic_filter: str) -> Voice | None:
    """Return the lie of whoever listens for another device than the client id names, None where it is none."""
    named, voice = family.named(client_id), family.listens(topic_filter)
    if not named or voice is None or identity(family.name, voice.address) == identity(family.name, named):
        return None
    return Voice(voice.address, lie=_LISTENED)
