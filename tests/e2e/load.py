"""Devices that send timed readings at QoS 1 as fast as they are acknowledged, and remember what was."""

import json
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.e2e.home import Home, Thing
from tests.e2e.speaking import Device, Silence

START = datetime.fromisoformat("2026-03-01T12:00:00Z")
_START_MS = int(START.timestamp() * 1000)
_IN_FLIGHT = 10
_MOST = 1_000_000  # readings a connection


@dataclass
class Sender:
    """One device: message `n` holds reading `n` of its metric, at a time of its own. `sent` and `kept` hold numbers."""

    thing: Thing
    salt: int
    sent: int = 0
    kept: set[int] = field(default_factory=set)

    def value(self, number: int) -> float:
        """Return what reading `number` is."""
        return float(self.salt * 1_000_000 + number)

    def speak(self, port: int, stop: threading.Event) -> None:
        """Send until told to stop or cut off; what was not acknowledged the last time is sent again first."""
        with suppress(ConnectionError, Silence), Device(port) as device:
            if device.connect(self.thing.token).code:
                return
            again = [number for number in range(self.sent) if number not in self.kept]
            flying: deque[int] = deque()
            for number in (*again, *range(self.sent, self.sent + _MOST)):
                if stop.is_set():
                    break
                self._send(device, number)
                flying.append(number)
                if len(flying) == _IN_FLIGHT:
                    self._hear(device, flying.popleft())
            while flying:
                self._hear(device, flying.popleft())

    def _send(self, device: Device, number: int) -> None:
        told = {"ts": _START_MS + number, "values": {"temperature": self.value(number)}}
        self.sent = max(self.sent, number + 1)
        device.publish(json.dumps(told).encode(), _packet_id(number))

    def _hear(self, device: Device, number: int) -> None:
        answer = device.hear()
        if answer.packet_id != _packet_id(number):  # such as the word that the server is stopping
            raise ConnectionAbortedError(answer)
        self.kept.add(number)


@dataclass
class Load:
    """Several senders at once."""

    senders: list[Sender]

    @property
    def kept(self) -> int:
        """How many readings were acknowledged so far."""
        return sum(len(sender.kept) for sender in self.senders)

    @contextmanager
    def running(self, port: int) -> Iterator[None]:
        """Let all speak; at the end they stop by themselves and wait for their answers."""
        stop = threading.Event()
        threads = [threading.Thread(target=sender.speak, args=(port, stop)) for sender in self.senders]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def judge(self, home: Home) -> None:
        """Hold that all that was acknowledged is there exactly once, and all that is there was sent so."""
        for sender in self.senders:
            found = home.readings(sender.thing, START)
            numbers = [round((at - START) / timedelta(milliseconds=1)) for _, at, _ in found]
            assert numbers == sorted(set(numbers)), "a reading is there twice"
            assert sender.kept <= set(numbers), f"lost: {sorted(sender.kept - set(numbers))[:10]}"
            assert set(numbers) <= set(range(sender.sent))
            assert [value for _, _, value in found] == [sender.value(number) for number in numbers]


def load_of(home: Home, devices: int) -> Load:
    """Return a load of so many new devices."""
    things: Sequence[Thing] = [home.add_device(f"Sensor {each}") for each in range(devices)]
    return Load([Sender(thing, salt) for salt, thing in enumerate(things)])


def _packet_id(number: int) -> int:
    return number % 65_535 + 1
