"""How devices ask to be let in, and what they are told."""

import json
from typing import Any

import pytest

from verger.base.errors import Conflict, Missing, Refused, Unknown
from verger.domain.devices.joining import Grant, Wish
from verger.domain.telemetry.model import Garbled
from verger.edges.wire.dialects import native_provision

KEYS = {"provisionDeviceKey": "k", "provisionDeviceSecret": "s"}


def read(**told: Any) -> Wish:
    return native_provision.read(json.dumps(KEYS | told).encode())


def test_a_wish_is_read_in_each_shape() -> None:
    assert read() == Wish(key="k", secret="s")
    assert read(deviceName=" DHT11 ", gateway=True) == Wish(key="k", secret="s", name="DHT11", gateway=True)
    assert read(credentialsType="ACCESS_TOKEN", token="my-own-token").token == "my-own-token"
    basic = read(credentialsType="MQTT_BASIC", username="u", password="p", clientId="c")
    assert (basic.kind, basic.username, basic.password, basic.client_id) == ("MQTT_BASIC", "u", "p", "c")
    assert read(credentialsType="X509_CERTIFICATE", hash="MIIB").certificate == "MIIB"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"provisionDeviceKey":"k"}', b'{"provisionDeviceKey":7,"provisionDeviceSecret":"s"}'],
)
def test_without_key_and_secret_it_is_no_wish(body: bytes) -> None:
    with pytest.raises(Garbled):
        native_provision.read(body)


def test_an_unknown_kind_of_credential_is_named() -> None:
    with pytest.raises(Garbled, match="MQTT_BASIC"):
        read(credentialsType="LWM2M_CREDENTIALS")


def test_a_grant_is_told() -> None:
    assert native_provision.granted(Grant("ACCESS_TOKEN", "vt_x")) == {
        "status": "SUCCESS",
        "credentialsType": "ACCESS_TOKEN",
        "credentialsValue": "vt_x",
    }


@pytest.mark.parametrize(
    ("why", "status"),
    [
        (Unknown("a"), "NOT_FOUND"),
        (Missing("b"), "NOT_FOUND"),
        (Conflict("c"), "FAILURE"),
        (Refused("d"), "FAILURE"),
    ],
)
def test_a_refusal_is_told(why: Refused, status: str) -> None:
    assert native_provision.refused(why) == {"status": status, "errorMsg": str(why)}
