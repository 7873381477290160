"""What lists are asked of has to be there: nobody should take an empty list for an answer about what never was."""

from verger.base.errors import Missing
from verger.edges.api.grounds import Grounds


async def there(grounds: Grounds, tenant: str, *, device: str | None = None, alert: str | None = None) -> None:
    """Raise Missing for a device, also one that has retired, or an alert that is not there; None is not looked for."""
    if device is not None and not await grounds.kept.devices.these(tenant, [device]):
        raise Missing("There is no such device.")
    if alert is not None:
        await grounds.alerting.store.get(tenant, alert)
