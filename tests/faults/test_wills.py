"""Wills of clients outlive whatever ends the server, and are heard only of those that are not back soon."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.e2e import conftest as e2e
from tests.e2e.home import Home
from tests.e2e.test_members import Program, make_key, program
from tests.e2e.waiting import until

GRACE_S = 4


def end(home: Home, how: str) -> None:
    """End the server as a crash or a person would."""
    if how == "kill":
        home.server.kill()
    else:
        assert home.server.stop()[0] == 0


@contextmanager
def leaving(home: Home, version: str, token: str, name: str, will: tuple[str, str]) -> Iterator[Program]:
    """Connect a client that leaves a will, and does not come back by itself."""
    made = Program(home, version, token, name, will=will)
    yield made
    made.close()  # it has nobody to say goodbye to by now


@pytest.mark.parametrize(("version", "how"), [("mqttv311", "kill"), ("mqttv5", "stop")])
def test_wills_outlive_the_server_and_are_heard_of_who_is_not_back(
    serve: e2e.Serve, settle: e2e.Settle, version: str, how: str
) -> None:
    home = settle(serve(will_grace_s=GRACE_S))
    key, thing = make_key(home)["token"], home.add_device()
    with ExitStack() as stack:
        stack.enter_context(leaving(home, version, thing.token, "device", ("v1/devices/me/telemetry", '{"left":1}')))
        for name in ("gone", "back"):
            client = stack.enter_context(leaving(home, version, key, name, (f"state/{name}", "off")))
            client.post(f"state/{name}", "on", retain=True)  # so that its will is on disk, too
        end(home, how)
    home.server.start()
    home.server.kill()  # before any of them is due
    home.server.start()
    with program(home, version, key, "back") as back, program(home, version, key, "watch") as watch:
        watch.listen("state/+")
        told = dict[str, str]()
        while told.get("state/gone") != "off":
            told |= [watch.next()]
        back.post("state/last", "on")
        while "state/last" not in told:
            told |= [watch.next()]
        assert told == {"state/gone": "off", "state/back": "on", "state/last": "on"}
        until(lambda: "left" in home.latest(thing))
