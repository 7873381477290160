"""What the stock ThingsBoard client for Python makes of a server; runs where that is installed, and prints JSON."""

import json
import sys
import threading
from collections.abc import Callable
from typing import Any

from tb_device_mqtt import ProvisionClient, TBDeviceMqttClient, TBPublishInfo  # type: ignore[import-not-found]
from tb_gateway_mqtt import TBGatewayMqttClient  # type: ignore[import-not-found]

_S = 20


def say(line: str) -> None:
    """Tell whoever started this."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def provisioned(port: int, wish: dict[str, Any]) -> Any:
    """Ask for a credential."""
    client = ProvisionClient("127.0.0.1", port, wish)
    client.provision(_S)
    return client.get_credentials()


def as_device(port: int, token: str) -> dict[str, Any]:
    """Speak as a device; return what was acknowledged and heard, having printed "listening" to be told something."""
    client = TBDeviceMqttClient("127.0.0.1", port, token)
    client.connect(timeout=_S)
    told, commands, changed = threading.Event(), list[Any](), list[Any]()
    client.set_server_side_rpc_request_handler(lambda number, body: commands.append([number, body]))

    def change(result: Any, *_: Any) -> None:
        changed.append(result)
        told.set()

    client.subscribe_to_all_attributes(change)
    sent = client.send_telemetry({"ts": 1_700_000_000_000, "values": {"temperature": 41.5}}).get()
    reported = client.send_attributes({"model": "stock"}).get()
    client.claim("on the label", 60_000).get()
    say("listening")
    told.wait(_S)
    answers: list[Any] = []
    asked = threading.Event()

    def answer(result: Any, _error: Any) -> None:
        answers.append(result)
        asked.set()

    client.request_attributes(["model"], ["every_s"], callback=answer)
    asked.wait(_S)
    limits = client.max_payload_size if hasattr(client, "max_payload_size") else None
    client.disconnect()
    fine = TBPublishInfo.TB_ERR_SUCCESS
    return {
        "sent": sent == fine,
        "reported": reported == fine,
        "changed": changed,
        "commands": commands,
        "answers": answers,
        "limits": limits,
    }


def as_gateway(port: int, token: str) -> dict[str, Any]:
    """Speak as a gateway for a device behind it."""
    client = TBGatewayMqttClient("127.0.0.1", port, token)
    client.connect(timeout=_S)
    fine = TBPublishInfo.TB_ERR_SUCCESS
    done = [
        client.gw_connect_device("Dev A", "default").get() == fine,
        client.gw_send_telemetry("Dev A", {"ts": 1_700_000_000_000, "values": {"temperature": 7}}).get() == fine,
        client.gw_send_attributes("Dev A", {"model": "behind"}).get() == fine,
    ]
    answers: list[Any] = []
    asked = threading.Event()

    def answer(result: Any, _error: Any) -> None:
        answers.append(result)
        asked.set()

    client.gw_request_client_attributes("Dev A", ["model"], answer)
    asked.wait(_S)
    client.disconnect()
    return {"done": done, "answers": answers}


if __name__ == "__main__":
    what, port, given = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    acts: dict[str, Callable[[int, Any], Any]] = {"provision": provisioned, "device": as_device, "gateway": as_gateway}
    say(json.dumps(acts[what](port, given)))
