"""A load that goes on through every trouble: devices come back, send again what was not acknowledged, and cut off."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.e2e.home import Home
from tests.e2e.load import Load, Sender
from tests.e2e.serving import Server
from tests.e2e.speaking import Device
from tests.e2e.waiting import until

_AGAIN_S = 0.02
_CUTS = 0.002  # of all messages


@dataclass
class Stubborn(Sender):
    """Comes back until told to stop; now and then it breaks off in the middle of a packet."""

    dice: random.Random = field(default_factory=random.Random)
    cuts: int = 0

    def endure(self, server: Server, stop: threading.Event) -> None:
        """Speak to whatever answers at the server's port."""
        while not stop.is_set():
            self.speak(server.mqtt, stop)
            stop.wait(_AGAIN_S)

    def _send(self, device: Device, number: int) -> None:
        if self.dice.random() < _CUTS:
            self.cuts += 1
            device.begin_to_publish(number)
            raise ConnectionAbortedError
        super()._send(device, number)


@dataclass
class Enduring(Load):
    """Several stubborn senders at once."""

    @contextmanager
    def going_on(self, server: Server) -> Iterator[None]:
        """Let all speak, whatever becomes of the server meanwhile."""
        stop = threading.Event()
        stubborn = [sender for sender in self.senders if isinstance(sender, Stubborn)]
        threads = [threading.Thread(target=each.endure, args=(server, stop)) for each in stubborn]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def grow(self, by: int, within: float = 30.0) -> None:
        """Return once so many more readings were acknowledged."""
        goal = self.kept + by
        until(lambda: self.kept >= goal, within)


def enduring(home: Home, devices: int, seed: int) -> Enduring:
    """Return a load of so many new devices."""
    things = [home.add_device(f"Sensor {each}") for each in range(devices)]
    return Enduring([Stubborn(thing, salt, dice=random.Random(seed + salt)) for salt, thing in enumerate(things)])
