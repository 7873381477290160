"""Settings: one frozen class, read once from VERGER_* and from nowhere else."""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from verger.base.errors import Invalid
from verger.base.listeners import family, family_ports, host, listeners
from verger.base.rates import rate

PREFIX = "VERGER_"
_PORTS = range(65536)
_SQLITE = "sqlite+aiosqlite://"


class BadSetting(Invalid):
    """A setting that cannot be used; the sentence names it and says what to write instead."""


def taken(name: str, host: str, port: int, error: OSError) -> BadSetting:
    """Return what to say of a port that cannot be listened on; `name` is the setting's field."""
    return BadSetting(
        f"{PREFIX}{name.upper()} {port} on {host} cannot be used ({error.strerror or error}): "
        "choose another, or 0 for a free one."
    )


def _whole(low: int, high: int) -> Callable[[str], int]:
    """Return a reader of whole numbers within bounds."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return number

    return read


def _folder(text: str) -> Path:
    if not text.strip():
        raise ValueError("the path of a folder")
    return Path(text).expanduser().absolute()


def _file(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _networks(text: str) -> tuple[str, ...]:
    try:
        return tuple(str(ip_network(part.strip())) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError("networks separated by commas, such as 10.0.0.0/8,192.168.1.5") from None


def _database(text: str) -> str:
    if text.startswith("sqlite://"):
        return _SQLITE + text.removeprefix("sqlite://")
    raise ValueError("sqlite:////path/of/verger.db, for no other database works, or leave it out")


def _hour(text: str) -> str:
    if text.lower() != "off" and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError("a time of day in UTC, such as 03:00, or off")
    return text.lower()


def _mail_server(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not parts.hostname or parts.path.strip("/"):
        raise ValueError("smtps://user:password@mail.example, smtp+starttls://… or smtp://… for a server without TLS")
    return text


def _sender(text: str) -> str:
    if not re.fullmatch(r"(?:[^<>\r\n]+<[^@\s<>]+@[^@\s<>]+>|[^@\s<>]+@[^@\s<>]+)", text.strip()):
        raise ValueError("an e-mail address, such as Verger <verger@example.org>")
    return text.strip()


def _home(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the address that people open, such as https://verger.example.org")
    return text.rstrip("/")


def _level(text: str) -> str:
    if text.lower() not in {"debug", "info", "warning", "error"}:
        raise ValueError("debug, info, warning or error")
    return text.lower()


_PORT = _whole(0, _PORTS[-1])
_READERS: dict[str, Callable[[str], Any]] = {
    "data": _folder,
    "http_host": host,
    "mqtt_host": host,
    "http_port": _PORT,
    "mqtt_port": _PORT,
    "http_tls_port": _PORT,
    "mqtt_tls_port": _PORT,
    "tls_cert": _file,
    "tls_key": _file,
    "tls_client_ca": _file,
    "database_url": _database,
    "mqtt_listeners": listeners,
    "compat_root": family,
    "compat_ports": family_ports,
    "enrolment_networks": _networks,
    "stranger_readings": _whole(1, 1_000_000),
    "stranger_rate": rate,
    "trusted_proxies": _networks,
    "log_level": _level,
    "backup_folder": _folder,
    "backup_at": _hour,
    "backup_keep": _whole(1, 3650),
    "backup_passphrase_file": _folder,
    "hot_bytes": _whole(1 << 20, 1 << 34),
    "segment_bytes": _whole(1 << 16, 1 << 30),
    "packet_bytes": _whole(256, 1 << 28),
    "body_bytes": _whole(1024, 1 << 30),
    "connect_s": _whole(1, 3600),
    "waiting_messages": _whole(1, 10_000_000),
    "series_per_device": _whole(1, 100_000),
    "devices_per_tenant": _whole(1, 10_000_000),
    "desired_per_device": _whole(1, 100_000),
    "attribute_changes_per_device": _whole(10, 10_000_000),
    "claim_s": _whole(60, 30 * 86_400),
    "attributes_per_device": _whole(1, 100_000),
    "tenant_connections": _whole(0, 10_000_000),
    "message_rate": rate,
    "data_points_rate": rate,
    "silent_s": _whole(1, 10_000_000),
    "polls_per_device": _whole(1, 10_000),
    "session_days": _whole(1, 3650),
    "inbox_messages": _whole(1, 30_000),
    "inbox_bytes": _whole(1024, 1 << 30),
    "inbox_days": _whole(1, 3650),
    "inboxes_bytes": _whole(1024, 1 << 34),
    "sessions_per_key": _whole(1, 1_000_000),
    "retained_messages": _whole(0, 10_000_000),
    "retained_bytes": _whole(0, 1 << 34),
    "retained_days": _whole(1, 36_500),
    "jobs_at_once": _whole(1, 1000),
    "job_days": _whole(1, 3650),
    "command_days": _whole(1, 36_500),
    "alert_days": _whole(1, 36_500),
    "rule_run_days": _whole(1, 36_500),
    "webhook_hours": _whole(1, 720),
    "webhooks_waiting": _whole(1, 1_000_000),
    "export_bytes": _whole(1 << 20, 1 << 50),
    "export_hours": _whole(1, 8760),
    "import_bytes": _whole(1 << 10, 1 << 40),
    "outgoing_networks": _networks,
    "smtp_url": _mail_server,
    "mail_from": _sender,
    "public_url": _home,
    "notification_days": _whole(1, 3650),
    "api_per_s": _whole(1, 1_000_000),
    "api_burst": _whole(1, 1_000_000),
    "safe_mode_percent": _whole(50, 100),
    "reserve_bytes": _whole(0, 1 << 40),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Each field is read from VERGER_<NAME>; the default is fit for one machine."""

    data: Path = Path("data")  # the data folder: log, history, database, secret
    http_host: str = "127.0.0.1"
    http_port: int = 8000
    mqtt_host: str = "127.0.0.1"
    mqtt_port: int = 1883
    http_tls_port: int | None = None  # none: no HTTPS
    mqtt_tls_port: int | None = None  # none: no MQTT over TLS
    tls_cert: Path | None = None
    tls_key: Path | None = None  # in the certificate's file, if not named
    tls_client_ca: Path | None = None  # who signs the certificates of devices
    mqtt_listeners: tuple[tuple[int, str], ...] = ()  # ports whose clients come as the API key or enrolment of an id
    compat_root: str = ""  # the dialect that is spoken at the root, beside Verger itself
    compat_ports: tuple[tuple[str, int, str], ...] = ()  # (dialect, port, enrolment) spoken on ports of their own
    enrolment_networks: tuple[str, ...] = ()  # that are not private, and may be enrolled all the same
    stranger_readings: int = 1_000  # kept of one device until it is adopted
    stranger_rate: str = "100:1"  # messages of strangers at one enrolment
    database_url: str = ""  # SQLite in the data folder
    trusted_proxies: tuple[str, ...] = ()  # whose forwarded addresses are believed
    log_level: str = "info"
    backup_folder: Path = Path("data/backups")  # within the data folder unless said
    backup_at: str = "03:00"  # UTC; off for never
    backup_keep: int = 7  # days with a backup
    backup_passphrase_file: Path | None = None  # what seals backups
    hot_bytes: int = 64 << 20  # readings held in memory before they are compressed
    segment_bytes: int = 64 << 20  # one file of the log
    packet_bytes: int = 64 << 10  # the largest MQTT packet
    body_bytes: int = 1 << 20  # the largest HTTP body
    connect_s: int = 10  # from a connection to its CONNECT
    waiting_messages: int = 20_000  # messages that may wait for the log before sockets are not read
    series_per_device: int = 200
    devices_per_tenant: int = 100_000  # that gateways and provisioning may bring it to
    desired_per_device: int = 500  # attributes
    attribute_changes_per_device: int = 10_000
    claim_s: int = 86_400  # how long a device may be claimed that does not say
    attributes_per_device: int = 500
    tenant_connections: int = 0  # at once, of one tenant; 0 for no bound
    message_rate: str = ""  # of one device, such as 200:1,6000:60; empty for no bound
    data_points_rate: str = ""  # of one tenant
    silent_s: int = 600  # a device whose rhythm is not known yet is offline when it was not heard for so long
    polls_per_device: int = 16  # open questions over HTTP
    session_days: int = 30
    inbox_messages: int = 1_000  # that wait for one session of MQTT
    inbox_bytes: int = 1 << 20
    inbox_days: int = 7  # how long a session is remembered without a connection
    inboxes_bytes: int = 16 << 20  # of all sessions of one organisation
    sessions_per_key: int = 1_000  # of MQTT
    retained_messages: int = 10_000  # of one organisation
    retained_bytes: int = 4 << 20
    retained_days: int = 365
    jobs_at_once: int = 4  # of one organisation
    job_days: int = 30  # how long one that ended is remembered
    command_days: int = 365  # how long one that ended is told
    alert_days: int = 730  # how long one that is over is kept
    rule_run_days: int = 365  # how long it is told that a rule fired
    webhook_hours: int = 24  # how long a call of a rule is tried
    webhooks_waiting: int = 1_000  # calls of one organisation's rules
    export_bytes: int = 2 << 30  # all exported files together
    export_hours: int = 24  # how long one can be fetched
    import_bytes: int = 100 << 20  # the largest file to import
    outgoing_networks: tuple[str, ...] = ()  # that are not public, and may be called all the same
    smtp_url: str = field(default="", repr=False)  # the mail server; empty: no mail
    mail_from: str = "Verger <verger@localhost>"
    public_url: str = ""  # where people open Verger, for links in what they are sent
    notification_days: int = 90  # how long one is kept
    api_per_s: int = 100  # requests a caller
    api_burst: int = 2_000
    safe_mode_percent: int = 95  # of the disk taken, from which on readings wait; 100 is never
    reserve_bytes: int = 256 << 20  # held back for the safe mode, at most 2 % of the disk

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return the settings of an environment; raise BadSetting with one sentence for the first bad one."""
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for each in fields(cls):
            text = environ.get(PREFIX + each.name.upper())
            if text is not None and text != "":
                values[each.name] = _read(each.name, text)
        folder = values.setdefault("data", Path("data").absolute())
        values.setdefault("database_url", _within(folder))
        values.setdefault("backup_folder", folder / "backups")
        return cls(**values)

    def within(self, folder: Path) -> Self:
        """Return the same settings for another data folder, with SQLite in it."""
        return replace(self, data=folder, database_url=_within(folder), backup_folder=folder / "backups")

    @property
    def database_file(self) -> Path | None:
        """The file of a SQLite database, None for any other."""
        own = self.database_url.removeprefix(f"{_SQLITE}/")
        return None if own == self.database_url else Path(own)


def strangers(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return a sentence for each VERGER_* name that means nothing here, with the nearest that does."""
    environ = os.environ if environ is None else environ
    known = [PREFIX + each.name.upper() for each in fields(Settings)]
    sentences = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            sentences.append(f"{name} is not a setting{f'; did you mean {near[0]}?' if near else '.'}")
    return sentences


def _within(folder: Path) -> str:
    return f"{_SQLITE}/{folder / 'verger.db'}"


def _read(name: str, text: str) -> Any:
    try:
        return _READERS[name](text)
    except ValueError as wanted:
        raise BadSetting(f"{PREFIX}{name.upper()} is {_shown(text)!r}; write {wanted}.") from None


def _shown(text: str) -> str:
    """Return what was written without a password in it."""
    return re.sub(r"(//[^/:@\s]*:)[^/@\s]+@", r"\1…@", text)
