"""The figures of the wire, for the metrics page."""

from collections.abc import Iterator

from verger.edges.wire.http import DeviceHttp
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.mqtt.listener import Listener
from verger.flows.oversight import Figure


def wire_figures(inlet: Inlet, listener: Listener, devices: DeviceHttp) -> Iterator[Figure]:
    """Return what came over MQTT and HTTP, and what became of it."""
    counts = listener.counts
    yield Figure("mqtt_connections", "Open MQTT connections", counts.connections)
    for name in (
        "accepted",
        "refused",
        "malformed",
        "messages",
        "bytes_in",
        "bytes_out",
        "unsent",
        "unanswering",
        "unheard",
        "unwritten",
    ):
        yield Figure(f"mqtt_{name}", f"MQTT: {name.replace('_', ' ')}", getattr(counts, name), grows=True)
    yield Figure("device_http_requests", "Requests of devices over HTTP", devices.requests, grows=True)
    yield Figure("device_http_refused", "Requests with an unknown token", devices.refused, grows=True)
    yield Figure("device_http_polls", "Questions over HTTP that wait for an answer", devices.open_polls)
    said = "Questions over HTTP of devices that had too many waiting already"
    yield Figure("device_http_polls_refused", said, devices.polls_refused, grows=True)
    yield Figure("inlet_messages", "Messages that were answered", inlet.messages, grows=True)
    yield Figure("inlet_batches", "Batches of messages", inlet.batches, grows=True)
    yield Figure("inlet_rests", "Times that nothing was read for a while", inlet.rests, grows=True)
    yield Figure("inlet_unkept", "Messages that could not be kept", inlet.unkept, grows=True)
