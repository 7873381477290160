"""Relaying: what gateways say of the devices behind them, taken apart before it is kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec import structs

from verger.base.clock import Clock, moment
from verger.base.errors import Fault
from verger.base.ids import new_id
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Device
from verger.domain.devices.registry import Known
from verger.domain.telemetry.model import Answer, Claim, Heard, Part, Relayed, Run, apart
from verger.flows.comings import Comings

_NO_GATEWAY = "This device is no gateway; make it one on its page, then it may speak for others."
_NOT_MADE = "It is not known here, and gateways of this organisation may not make devices; add it by hand."
_FULL = "It is not known here, and no further device can be made: {most} are there, which is the limit."
_USUAL_TYPE = "default"  # what clients send that know no type


class Takes(Protocol):
    """What keeps a batch."""

    async def take(self, heard: Sequence[Heard | Run]) -> list[Answer]:
        """Return an answer to each message once all is kept; raise Busy when nothing can be."""
        ...

    def refusal(self, gateway: str, parts: Sequence[Part]) -> Answer | None:
        """Return why a message is not kept now, none of its parts; None when all of them may be, and are counted."""
        ...


class Claims(Protocol):
    """What keeps under which secret a device may be claimed."""

    async def open(self, claims: Sequence[tuple[str, str, Claim]]) -> None:
        """Let devices be claimed, each (tenant, device, claim); on disk on return."""
        ...


@dataclass(frozen=True)
class Bounds:
    """How many devices a tenant may have, and series a device."""

    devices: int
    series: int


@dataclass(frozen=True)
class Relaying:
    """Stands before the inbound: makes the devices a gateway brings, and answers for all parts of a message at once."""

    inbound: Takes
    claims: Claims
    kept: Kept
    comings: Comings
    clock: Clock
    limits: Bounds

    async def take(self, heard: Sequence[Heard | Run]) -> list[Answer]:
        """Keep a batch; a message of several parts is answered once all of them are kept. Raises Busy."""
        if Relayed not in set(map(type, heard)):
            return await self.inbound.take(heard)
        return await self._take_apart(apart(heard))

    async def _take_apart(self, heard: Sequence[Heard]) -> list[Answer]:
        refusals: dict[tuple[str, str], str] = {}
        await self._make(heard, refusals)
        await self.claims.open(list(self._claims(heard)))
        flat: list[Heard] = []
        ends: list[int] = []
        later: dict[int, Answer] = {}
        for place, each in enumerate(heard):
            if isinstance(each, Relayed):
                parts = self._parts(each)
                refused = self.inbound.refusal(each.device, parts)
                if refused is None:
                    flat += parts
                else:
                    later[place] = refused
            else:
                flat.append(each)
            ends.append(len(flat))
        answers = await self.inbound.take(flat)
        ranges = enumerate(zip(heard, [0, *ends], ends, strict=False))
        return [
            later.get(place) or self._joined(each, flat[start:end], answers[start:end], refusals)
            if isinstance(each, Relayed)
            else answers[start]
            for place, (each, start, end) in ranges
        ]

    # what has to be there first

    async def _make(self, heard: Sequence[Heard], refusals: dict[tuple[str, str], str]) -> None:
        """Make the devices that gateways name and that are not there; say of each other why it is not made."""
        strangers: dict[str, dict[str, str | None]] = {}
        for each in heard:
            if isinstance(each, Relayed):
                for part in each.behind:
                    if not part.gone and self.kept.relays.find(each.device, part.name) is None:
                        known = strangers.setdefault(each.device, {})
                        known[part.name] = known.get(part.name) or part.kind
        for gateway, names in strangers.items():
            known_gateway = self.kept.registry.known(gateway)
            if known_gateway is not None:
                why = await self._admit(known_gateway, names)
                refusals |= {(gateway, name): why for name in names}

    async def _admit(self, gateway: Known, names: dict[str, str | None]) -> str:
        """Make as many of the devices a gateway names as may be made; return why the others are not."""
        if not self.kept.relays.is_gateway(gateway.device):
            return _NO_GATEWAY
        if not (await self.kept.policies.get(gateway.tenant)).made_by_gateways:
            return _NOT_MADE
        room = max(self.limits.devices - self.kept.registry.count(gateway.tenant), 0)
        types = {kind.key for kind in await self.kept.types.all(gateway.tenant)}
        now = moment(self.clock.now())
        behind = Device(id="", name="-", place=gateway.place, gateway=gateway.device, created_at=now)
        made = [
            structs.replace(behind, id=new_id(), name=name, called=name, type=kind if kind in types else None)
            for name, kind in list(names.items())[:room]
        ]
        for kind in {kind for kind in names.values() if kind and kind not in types and kind != _USUAL_TYPE}:
            self.kept.remarks.note(gateway.tenant, gateway.device, "gateway", f"There is no device type {kind[:100]}.")
        await self.kept.add_behind(gateway.tenant, made, self.limits.series)
        if made:
            self.comings.made(gateway.tenant, len(made))
        return _FULL.format(most=self.limits.devices)

    def _claims(self, heard: Iterable[Heard]) -> Iterable[tuple[str, str, Claim]]:
        for each in heard:
            for claim in each.claims if isinstance(each, Relayed) else ():
                device = self.kept.relays.find(each.device, claim.name) if claim.name else each.device
                known = self.kept.registry.known(device or "")
                if known is not None:
                    yield known.tenant, known.device, claim

    # apart, and together again

    def _parts(self, relayed: Relayed) -> list[Part]:
        """Return what each device behind said, in the order of its names."""
        found = ((part, self.kept.relays.find(relayed.device, part.name)) for part in relayed.behind)
        return [Part(device, part.said) for part, device in found if device is not None and part.said]

    def _joined(
        self, relayed: Relayed, parts: Sequence[Heard], answers: Sequence[Answer], refusals: dict[tuple[str, str], str]
    ) -> Answer:
        """Return one answer for all parts of a message, and tell who has come and gone."""
        gateway, said = relayed.device, dict(zip((part.device for part in parts), answers, strict=True))
        faults, kept = list(relayed.refused), False
        for part in relayed.behind:
            device = self.kept.relays.find(gateway, part.name)
            if device is None:
                if not part.gone:
                    faults.append(Fault(part.name, refusals.get((gateway, part.name), _NO_GATEWAY)))
                continue
            kept = kept or not part.said or said[device].kept
            faults += [Fault(f"{part.name}.{f.field}".rstrip("."), f.message) for f in _faults(said.get(device))]
            self.comings.told(gateway, device, gone=part.gone)
        kept = kept or (bool(relayed.claims) and not relayed.behind)
        kept = kept or (bool(relayed.behind) and all(part.gone for part in relayed.behind))
        if not kept and not faults:
            faults.append(Fault("", "There was nothing to keep in this message."))
        self._note(gateway, faults)
        for fault in relayed.refused:  # what the inbound refuses, it notes on the device's own page by itself
            device, field = self._whose(gateway, fault)
            if device is not None:
                self._note(device, [Fault(field, fault.message)])
        return Answer(kept, tuple(faults))

    def _whose(self, gateway: str, fault: Fault) -> tuple[str | None, str]:
        """Return which device behind a gateway a fault of its message is about, and what of it; None for no one."""
        parts = fault.field.split(".")  # names and metrics may have dots of their own
        for end in range(len(parts), 0, -1):
            device = self.kept.relays.find(gateway, ".".join(parts[:end]))
            if device is not None:
                return device, ".".join(parts[end:])
        return None, fault.field

    def _note(self, device: str, faults: Iterable[Fault]) -> None:
        if known := self.kept.registry.known(device):
            for fault in faults:
                self.kept.remarks.note(known.tenant, device, "refused", f"{fault.field}: {fault.message}".lstrip(": "))


def _faults(answer: Answer | None) -> tuple[Fault, ...]:
    return answer.refused if answer is not None else ()
