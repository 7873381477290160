"""Settings."""

from pathlib import Path

import pytest

from verger.base.settings import BadSetting, Settings, strangers


def test_the_defaults_fit_one_machine() -> None:
    settings = Settings.read({})
    assert (settings.http_host, settings.http_port, settings.mqtt_port) == ("127.0.0.1", 8000, 1883)
    assert settings.database_url.endswith("/data/verger.db")


def test_the_database_lies_in_the_data_folder() -> None:
    assert Settings.read({"VERGER_DATA": "/srv/v"}).database_url == "sqlite+aiosqlite:////srv/v/verger.db"
    assert Settings.read({"VERGER_DATA": "/srv/v"}).data == Path("/srv/v")


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("HTTP_PORT", "eighty", "a whole number from 0 to 65535"),
        ("HTTP_PORT", "70000", "a whole number from 0 to 65535"),
        ("MQTT_HOST", "mqtt://here", "a host name"),
        ("DATABASE_URL", "mysql://x", "sqlite:////"),
        ("DATABASE_URL", "postgresql://host/name", "sqlite:////path/of/verger.db, for no other database works"),
        ("TRUSTED_PROXIES", "nearby", "networks separated by commas"),
        ("LOG_LEVEL", "loud", "debug, info"),
        ("MQTT_LISTENERS", "1884", "ports and ids of API keys or enrolments separated by commas"),
        ("MQTT_LISTENERS", "70000:k", "ports and ids of API keys or enrolments separated by commas"),
    ],
)
def test_a_bad_value_is_named_with_what_to_write_instead(name: str, text: str, wanted: str) -> None:
    with pytest.raises(BadSetting, match=rf"VERGER_{name} is '{text}'; write {wanted}"):
        Settings.read({f"VERGER_{name}": text})


def test_a_bad_value_is_told_without_its_password() -> None:
    with pytest.raises(BadSetting) as refused:
        Settings.read({"VERGER_SMTP_URL": "imap://aino:hunter2@mail.example"})
    assert "is 'imap://aino:…@mail.example'; write smtps://" in str(refused.value)


def test_a_misspelt_name_is_told_with_the_nearest() -> None:
    assert strangers({"VERGER_HTPP_PORT": "1"}) == ["VERGER_HTPP_PORT is not a setting; did you mean VERGER_HTTP_PORT?"]


def test_an_empty_value_means_the_default() -> None:
    assert Settings.read({"VERGER_HTTP_PORT": ""}).http_port == 8000


def test_a_port_may_be_bound_to_an_api_key() -> None:
    assert Settings.read({"VERGER_MQTT_LISTENERS": "1884:k1, 0:k2"}).mqtt_listeners == ((1884, "k1"), (0, "k2"))
    assert Settings.read({}).mqtt_listeners == ()
