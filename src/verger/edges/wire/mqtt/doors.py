"""The ports at which MQTT is heard, as the settings ask for them."""

from dataclasses import dataclass
from ssl import SSLContext

from verger.base.settings import Settings, taken
from verger.base.tls import Tls
from verger.edges.wire.mqtt.listener import Listener


@dataclass(frozen=True)
class MqttPorts:
    """Where devices are heard; None where that is not spoken."""

    plain: int
    tls: int | None = None


async def open_doors(listener: Listener, settings: Settings, tls: Tls | None) -> MqttPorts:
    """Open the ports; raise BadSetting when one is taken."""
    plain = await _open(listener, settings, "mqtt_port")
    for port, key in settings.mqtt_listeners:
        try:
            await listener.listen(settings.mqtt_host, port, bound=key)
        except OSError as error:
            raise taken("mqtt_listeners", settings.mqtt_host, port, error) from None
    if tls is None or settings.mqtt_tls_port is None:
        return MqttPorts(plain)
    return MqttPorts(plain, await _open(listener, settings, "mqtt_tls_port", tls.context(asks=True)))


async def _open(listener: Listener, settings: Settings, name: str, tls: SSLContext | None = None) -> int:
    host, port = settings.mqtt_host, getattr(settings, name)
    try:
        return await listener.listen(host, port, tls)
    except OSError as error:
        raise taken(name, host, port, error) from None
