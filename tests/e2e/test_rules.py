"""Rules go on after the program was killed: nothing is forgotten, and nothing is done twice."""

import time
from typing import Any

from tests.e2e.conftest import Serve, Settle
from tests.e2e.home import Home, said
from tests.e2e.receiving import receiving
from tests.e2e.waiting import until
from tests.edges.outside.neighbours import Receiver

LASTING_S, REST_S = 2, 3600


def write(home: Home, **written: Any) -> str:
    return str(said(home.api.post("rules", json={"name": "Rule", "place": home.place, **written}))["id"])


def test_what_lasts_rests_and_was_asked_for_outlives_a_kill_and_is_done_once(home: Home) -> None:
    device = home.add_device()
    pulse = {"command": {"method": "pulse", "params": {"duration_s": 20}, "ttl_s": 600}}
    dry = {"metric": "soil", "is": "below", "value": 30}
    lasting = write(home, when=dry | {"for_s": LASTING_S}, then=[pulse, {"task": {"title": "Look"}}], rest_s=REST_S)
    at_once = write(home, when=dry, then=[{"alert": {"message": "{value} %"}}])

    def runs(rule: str) -> list[Any]:
        return list(home.get(f"rules/{rule}/runs")["items"])

    said_at = time.monotonic()
    assert home.tell(device, {"soil": 20}).is_success
    until(lambda: runs(at_once))
    home.server.kill()
    home.server.start()
    assert len(until(lambda: runs(lasting))) == 1
    assert time.monotonic() - said_at >= LASTING_S
    home.server.kill()
    home.server.start()
    for value in (40, 20):
        assert home.tell(device, {"soil": value}).is_success
    until(lambda: len(runs(at_once)) == 2)
    time_to_fire_again = time.monotonic() + LASTING_S + 1
    until(lambda: time.monotonic() > time_to_fire_again)
    [run] = runs(lasting)
    assert [done["state"] for done in run["then"]] == ["queued", "done"]
    [command] = home.get(f"devices/{device.id}/commands")["items"]
    assert (command["stage"], command["asked_by"]) == ("queued", f"rule:{lasting}")


def test_a_call_that_a_kill_cut_short_is_made_again_under_its_id(serve: Serve, settle: Settle) -> None:
    home = settle(serve(outgoing_networks="127.0.0.0/8"))
    device = home.add_device()
    with receiving(Receiver(["", "204 No Content"])) as receiver:
        call = {"webhook": {"url": f"{receiver.url}/hook", "body": {"soil": "{value}"}}}
        rule = write(home, when={"metric": "soil", "is": "below", "value": 30}, then=[call])
        assert home.tell(device, {"soil": 20}).is_success
        until(lambda: receiver.heard)
        home.server.kill()
        home.server.start()
        until(lambda: home.get(f"rules/{rule}/runs")["items"][0]["then"][0]["state"] == "done")
    assert [body for _, _, body in receiver.heard] == [b'{"soil":"20"}'] * 2
    assert len({headers["webhook-id"] for _, headers, _ in receiver.heard}) == 1


def test_a_draft_is_tried_over_what_was_measured(home: Home) -> None:
    device = home.add_device()
    now = int(time.time() * 1000)
    told = [{"ts": now - 3_600_000 + n * 60_000, "values": {"t": 10 if n % 20 else 1}} for n in range(50)]
    assert home.tell(device, told).is_success
    hour = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    draft: dict[str, Any] = {"name": "Frost", "place": home.place}
    draft |= {"when": {"metric": "t", "is": "below", "value": 3}}
    draft |= {"then": [{"alert": {"message": "{value} degrees"}}]}
    tested = until(lambda: said(home.api.post("rules/test", json={"rule": draft, **hour})))
    assert tested["count"] == 3
    assert tested["firings"][0]["because"][0]["value"] == 1
    assert tested["firings"][0]["then"][0]["alert"]["message"] == "1 degrees"
