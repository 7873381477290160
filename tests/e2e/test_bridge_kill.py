"""The program is killed amid what comes over a bridge: all that the broker took is here in the end, once."""

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve, Settle
from tests.e2e.waiting import until
from tests.edges.wire.bridge.broker import Broker

pytestmark = pytest.mark.needs("mosquitto")

MESSAGES = 6_000


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path).start()
    yield made
    made.stop()


@pytest.mark.parametrize("protocol", [4, 5])
def test_what_the_broker_took_is_here_in_the_end_once(
    serve: Serve, settle: Settle, broker: Broker, protocol: int
) -> None:
    server = serve(outgoing_networks="127.0.0.0/8")
    home = settle(server)
    thing, begin = home.add_device("Press"), datetime.now(UTC) - timedelta(days=1)
    body = {
        "name": "Plant",
        "host": "127.0.0.1",
        "port": broker.port,
        "tls": False,
        "protocol": protocol,
        "filters": ["plant/#"],
        "rules": [{"topic": "plant/{device}/telemetry"}],
    }
    bridge = home.api.post("bridges", json=body).raise_for_status().json()["id"]
    until(lambda: home.get(f"bridges/{bridge}")["connected"])
    first = int(begin.timestamp() * 1000)
    lines = "\n".join(json.dumps({"ts": first + n, "values": {"n": n}}) for n in range(MESSAGES))
    program = str(shutil.which("mosquitto_pub"))
    command = [program, "-p", str(broker.port), "-q", "1", "-t", "plant/Press/telemetry", "-l"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as publisher:
        assert publisher.stdin is not None
        third = len(lines) // 3
        for part in (lines[:third], lines[third : 2 * third], lines[2 * third :] + "\n"):
            publisher.stdin.write(part)
            publisher.stdin.flush()
            until(lambda: home.latest(thing))
            server.kill()
            server.start()
        publisher.stdin.close()
        assert publisher.wait(30) == 0
    until(lambda: home.latest(thing).get("n", {}).get("value") == MESSAGES - 1)
    until(lambda: len(home.readings(thing, begin - timedelta(hours=1))) >= MESSAGES)
    counted = Counter(value for _, _, value in home.readings(thing, begin - timedelta(hours=1)))
    assert counted == Counter(float(n) for n in range(MESSAGES))
