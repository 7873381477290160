"""Who is acted upon: a machine that proves what it has step by step, and receivers that answer once they are let."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Thread
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.e2e.home import Home, Thing
from tests.e2e.waiting import PATIENCE_S

_HELD_S = 30.0
_ASKS, _ANSWERS = "v1/devices/me/rpc/request/+", "v1/devices/me/rpc/response/"


@dataclass(frozen=True)
class Asked:
    """A command as it came: the number that the device knows it by, what is asked, and the packet that brought it."""

    number: int
    method: str
    params: Any
    packet: int = field(compare=False)


class Machine:
    """A device on the wire that hears commands, and acknowledges and answers them when it is told to, or at once."""

    def __init__(self, home: Home, thing: Thing, *, at_once: bool = False) -> None:
        """Connect and listen."""
        self.asked: Queue[Asked] = Queue()
        self._at_once = at_once
        self._listens: Queue[Any] = Queue()
        self.client = Client(CallbackAPIVersion.VERSION2, "machine", manual_ack=True)
        self.client.username_pw_set(thing.token, "")
        self.client.on_connect = lambda client, *_: client.subscribe(_ASKS, 1)
        self.client.on_subscribe = lambda *told: self._listens.put(told[3])
        self.client.on_message = self._hear
        self.client.connect("127.0.0.1", home.server.mqtt)
        self.client.loop_start()
        self._listens.get(timeout=PATIENCE_S)

    def _hear(self, _client: Client, _: Any, message: MQTTMessage) -> None:
        told = json.loads(message.payload)
        asked = Asked(int(message.topic.rpartition("/")[2]), told["method"], told.get("params"), message.mid)
        self.asked.put(asked)
        if self._at_once:
            self.acknowledge(asked)
            self.client.publish(f"{_ANSWERS}{asked.number}", json.dumps({"done": asked.number}), 1)

    def next(self) -> Asked:
        """Return what is asked next."""
        return self.asked.get(timeout=PATIENCE_S)

    def acknowledge(self, asked: Asked) -> None:
        """Prove that it has a command."""
        self.client.ack(asked.packet, 1)

    def answer(self, asked: Asked, result: Any) -> None:
        """Answer a command; return once the answer is on disk."""
        said = self.client.publish(f"{_ANSWERS}{asked.number}", json.dumps(result), 1)
        said.wait_for_publish(PATIENCE_S)
        assert said.is_published()

    def close(self) -> None:
        """Hang up."""
        self.client.disconnect()
        self.client.loop_stop()


@contextmanager
def machine(home: Home, thing: Thing, *, at_once: bool = False) -> Iterator[Machine]:
    """Connect a machine; whatever becomes of the server meanwhile, it hangs up at the end."""
    made = Machine(home, thing, at_once=at_once)
    try:
        yield made
    finally:
        made.close()


Told = tuple[str, str]
"""The id of a message, and what it says."""


@dataclass
class Receiver:
    """Somebody who is told things: `heard` is what came; while `open` is not set, nothing is answered."""

    heard: Queue[Told] = field(default_factory=Queue)
    open: Event = field(default_factory=Event)

    def take(self, what: Told) -> None:
        """Have something, and wait with the answer until it may be given."""
        self.heard.put(what)
        self.open.wait(_HELD_S)

    def next(self) -> Told:
        """Return what comes next."""
        return self.heard.get(timeout=PATIENCE_S)


class Hook(BaseHTTPRequestHandler):
    """A webhook."""

    receiver: Receiver

    def do_POST(self) -> None:
        """Take a message whole, then answer that it was taken."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.receiver.take((self.headers["webhook-id"], body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing of it."""


class Mailbox(StreamRequestHandler):
    """A mail server."""

    receiver: Receiver

    def handle(self) -> None:
        """Take letters whole, then answer that they were taken."""
        self._say("220 mail.test")
        while verb := self.rfile.readline().decode().strip().upper():
            if verb == "DATA":
                self._say("354 go on")
                self.receiver.take(self._letter())
            self._say("221 bye" if verb == "QUIT" else "250 fine")

    def _letter(self) -> Told:
        heads, words = dict[str, str](), list[str]()
        while (line := self.rfile.readline().decode().strip()) != ".":
            name, colon, value = line.partition(": ")
            if colon and not words:
                heads[name] = value
            else:
                words.append(line)
        return heads["Message-ID"], "\n".join([heads["Subject"], *words])

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class _Quiet(ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """Say nothing of callers who were killed."""


class _QuietHttp(_Quiet, ThreadingHTTPServer):
    pass


@contextmanager
def receiving(kind: type[Hook | Mailbox], port: int = 0) -> Iterator[tuple[Receiver, int]]:
    """Let a receiver live at a port; give it and its port."""
    receiver = Receiver()
    handler = type("Handler", (kind,), {"receiver": receiver})
    with (_QuietHttp if kind is Hook else _Quiet)(("127.0.0.1", port), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield receiver, server.server_address[1]
        finally:
            receiver.open.set()
            server.shutdown()
            thread.join()
