"""Claiming: whoever knows the secret of a device that is open to it takes the device to a place of theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct, structs

from verger.base.clock import SECOND, Clock, moment
from verger.base.errors import Conflict, Fault, Forbidden, Invalid, Missing
from verger.base.ids import new_id
from verger.base.secrets import ServerSecret, new_token, same
from verger.domain.devices.claims import OpenClaim
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Device
from verger.domain.places.store import PlaceStore
from verger.domain.telemetry.model import Claim
from verger.flows.provisioning import Provisioning

LONGEST_S = 30 * 86_400
_SHORTEST_SECRET = 8  # of a device that other organisations may claim
_NO = (
    "No device waits to be claimed under this name with this secret. Look at its label, or open it to be claimed anew."
)


class ClaimState(Struct, frozen=True):
    """Whether a device may be claimed, until when, and whether that takes a secret."""

    open: bool
    until: datetime | None = None
    secret: bool = False


class ClaimSecret(Struct, frozen=True):
    """What claims a device; the secret is shown once."""

    device: str
    secret: str
    until: datetime


@dataclass(frozen=True)
class Claiming:
    """Opens devices to be claimed, and hands them over."""

    kept: Kept
    places: PlaceStore
    provisioning: Provisioning
    secret: ServerSecret
    clock: Clock
    usual_s: int

    async def open(self, claims: Sequence[tuple[str, str, Claim]]) -> None:
        """Let devices be claimed as they wish, each (tenant, device, claim); on disk on return."""
        if claims:
            await self.kept.claims.open([self._opened(*each) for each in claims])

    def _opened(self, tenant: str, device: str, claim: Claim) -> OpenClaim:
        lasts_s = self.usual_s if claim.lasts_ms is None else min(claim.lasts_ms / 1000, LONGEST_S)
        until = moment(self.clock.now() + round(lasts_s * SECOND))
        mark = self._mark(device, claim.secret)
        return OpenClaim(device=device, tenant=tenant, mark=mark, secret=bool(claim.secret), until=until)

    async def offer(self, tenant: str, device: str, lasts_s: int | None) -> ClaimSecret:
        """Let a device be claimed with a fresh secret; return that, which cannot be read again. Raise Missing."""
        await self.kept.devices.get(tenant, device)
        claim = Claim("", new_token("vc"), None if lasts_s is None else lasts_s * 1000)
        opened = self._opened(tenant, device, claim)
        await self.kept.claims.open([opened])
        return ClaimSecret(device, claim.secret, opened.until)

    async def state(self, tenant: str, device: str) -> ClaimState:
        """Return whether a device may be claimed; raise Missing."""
        await self.kept.devices.get(tenant, device)
        claim = await self.kept.claims.of(device, moment(self.clock.now()))
        return ClaimState(open=True, until=claim.until, secret=claim.secret) if claim else ClaimState(open=False)

    async def end(self, tenant: str, device: str) -> None:
        """Let a device be claimed no longer; raise Missing."""
        await self.kept.devices.get(tenant, device)
        await self.kept.claims.end(tenant, device)

    async def purge(self) -> None:
        """Forget claims whose time is over."""
        await self.kept.claims.purge(moment(self.clock.now()))

    async def claim(self, tenant: str, device: str, secret: str, place: str, *, may_add: bool) -> Device:
        """Take a device, by its id or its name, to a place of the claimer's tenant.

        Raise Missing alike for a device that is not there, that is not open and for a wrong secret. One of another
        tenant, which allows it, comes as a new device with the credential it has; that takes `may_add`.
        """
        try:
            await self.places.get(tenant, place)
        except Missing:
            raise Invalid("There is no such place.", [Fault("place", "Name a place that is there.")]) from None
        claim = await self._proven(tenant, device, secret)
        if claim.tenant == tenant:
            found = await self.kept.devices.get(tenant, claim.device)
            await self._close(claim)
            return await self.provisioning.change(tenant, structs.replace(found, place=place), {})
        if not may_add:
            raise Forbidden("This device comes from another organisation; ask a manager of yours to claim it.")
        return await self._hand_over(claim, tenant, place)

    async def _proven(self, tenant: str, device: str, secret: str) -> OpenClaim:
        """Return the open claim that a secret proves; raise Missing."""
        now = moment(self.clock.now())
        own = await self.kept.devices.known_as(tenant, device)
        claim = await self.kept.claims.of(own or device, now)
        right = claim is not None and same(claim.mark, self._mark(claim.device, secret))
        if claim is None or not right:
            raise Missing(_NO)
        if claim.tenant != tenant:
            policy = await self.kept.policies.get(claim.tenant)
            if not policy.claimed_by_others or len(secret) < _SHORTEST_SECRET:
                raise Missing(_NO)
        return claim

    async def _close(self, claim: OpenClaim) -> None:
        async with self.kept.db.writing() as connection:
            if not await self.kept.claims.close(connection, claim):
                raise Missing(_NO)

    async def _hand_over(self, claim: OpenClaim, tenant: str, place: str) -> Device:
        """End a device in its tenant and begin it anew in the claimer's: its past stays where it was."""
        left = await self.kept.devices.get(claim.tenant, claim.device)
        types = {kind.key for kind in await self.kept.types.all(tenant)}
        now = moment(self.clock.now())
        fresh = Device(
            id=new_id(),
            name=left.name,
            place=place,
            type=left.type if left.type in types else None,
            dialect=left.dialect,
            address=left.address,
            is_gateway=left.is_gateway,
            channels=left.channels,
            created_at=now,
        )
        if not await self.kept.hand_over(claim, fresh, tenant, self.provisioning.series_limit, now):
            raise Conflict("Somebody else was faster; this device is no longer to be claimed.")
        self.provisioning.wire.drop(left.id)
        self.provisioning.screens.changed(claim.tenant)
        self.provisioning.screens.changed(tenant)
        return fresh

    def _mark(self, device: str, secret: str) -> str:
        return self.secret.mark(b"claim", device.encode(), secret.encode(errors="surrogatepass"))
