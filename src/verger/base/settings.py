"""Settings: one frozen class, read once from VERGER_* and from nowhere else."""

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from verger.base.errors import Invalid
from verger.base.knobs import (
    SQLITE,
    database,
    file,
    folder,
    home,
    hour,
    level,
    mail_server,
    networks,
    port,
    sender,
    setting,
    whole,
)
from verger.base.listeners import family, family_ports, host, listeners, origins, units
from verger.base.rates import rate

PREFIX = "VERGER_"


class BadSetting(Invalid):
    """A setting that cannot be used; the sentence names it and says what to write instead."""


def taken(name: str, host: str, port: int, error: OSError) -> BadSetting:
    """Return what to say of a port that cannot be listened on; `name` is the setting's field."""
    return BadSetting(
        f"{PREFIX}{name.upper()} {port} on {host} cannot be used ({error.strerror or error}): "
        "choose another, or 0 for a free one."
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """Each field is read from VERGER_<NAME>; the default, given first, is fit for one machine."""

    data: Path = setting(Path("data"), folder)  # the data folder: log, history, database, secret
    http_host: str = setting("127.0.0.1", host)
    http_port: int = port(8000)
    mqtt_host: str = setting("127.0.0.1", host)
    mqtt_port: int = port(1883)
    http_tls_port: int | None = port(None)  # none: no HTTPS
    mqtt_tls_port: int | None = port(None)  # none: no MQTT over TLS
    tls_cert: Path | None = setting(None, file)
    tls_key: Path | None = setting(None, file)  # in the certificate's file, if not named
    tls_client_ca: Path | None = setting(None, file)  # who signs the certificates of devices
    mqtt_listeners: tuple[tuple[int, str], ...] = setting((), listeners)  # (port, API key or enrolment of its clients)
    compat_root: str = setting("", family)  # the dialect that is spoken at the root, beside Verger itself
    compat_ports: tuple[tuple[str, int, str], ...] = setting((), family_ports)  # (dialect, port, enrolment)
    compat_origins: tuple[str, ...] = setting((), origins)  # whose pages may speak the families' words from elsewhere
    enrolment_networks: tuple[str, ...] = setting((), networks)  # not private, and may be enrolled all the same
    outlet_units: tuple[tuple[str, str], ...] = setting((), units)  # (device, address) of units that are called
    stranger_readings: int = whole(1_000, 1, 1_000_000)  # kept of one device until it is adopted
    farm_pages: int = whole(1_000, 1, 1_000_000)  # that listen over Socket.IO at once, signed in or not yet
    farm_page_packets: int = whole(1_000, 10, 1_000_000)  # that may wait for one of them
    stranger_rate: str = setting("100:1", rate)  # messages of strangers at one enrolment
    database_url: str = setting("", database)  # SQLite in the data folder
    trusted_proxies: tuple[str, ...] = setting((), networks)  # whose forwarded addresses are believed
    log_level: str = setting("info", level)
    backup_folder: Path = setting(Path("data/backups"), folder)  # within the data folder unless said
    backup_at: str = setting("03:00", hour)  # UTC; off for never
    backup_keep: int = whole(7, 1, 3650)  # days with a backup
    backup_passphrase_file: Path | None = setting(None, folder)  # what seals backups
    hot_bytes: int = whole(64 << 20, 1 << 20, 1 << 34)  # readings held in memory before they are compressed
    segment_bytes: int = whole(64 << 20, 1 << 16, 1 << 30)  # one file of the log
    log_wait_ms: int = whole(0, 0, 1_000)  # that a message waits for others to be synced with; spares SD cards
    packet_bytes: int = whole(64 << 10, 256, 1 << 28)  # the largest MQTT packet
    body_bytes: int = whole(1 << 20, 1024, 1 << 30)  # the largest HTTP body
    connect_s: int = whole(10, 1, 3600)  # from a connection to its CONNECT
    waiting_messages: int = whole(20_000, 1, 10_000_000)  # for the log, before sockets are not read
    series_per_device: int = whole(200, 1, 100_000)
    devices_per_tenant: int = whole(100_000, 1, 10_000_000)  # that gateways and provisioning may bring it to
    desired_per_device: int = whole(500, 1, 100_000)  # attributes
    attribute_changes_per_device: int = whole(10_000, 10, 10_000_000)
    claim_s: int = whole(86_400, 60, 30 * 86_400)  # how long a device may be claimed that does not say
    attributes_per_device: int = whole(500, 1, 100_000)
    tenant_connections: int = whole(0, 0, 10_000_000)  # at once, of one tenant; 0 for no bound
    message_rate: str = setting("", rate)  # of one device, such as 200:1,6000:60; empty for no bound
    data_points_rate: str = setting("", rate)  # of one tenant
    silent_s: int = whole(600, 1, 10_000_000)  # until a device whose rhythm is not known yet is offline
    polls_per_device: int = whole(16, 1, 10_000)  # open questions over HTTP
    session_days: int = whole(30, 1, 3650)
    inbox_messages: int = whole(1_000, 1, 30_000)  # that wait for one session of MQTT
    inbox_bytes: int = whole(1 << 20, 1024, 1 << 30)
    inbox_days: int = whole(7, 1, 3650)  # how long a session is remembered without a connection
    inboxes_bytes: int = whole(16 << 20, 1024, 1 << 34)  # of all sessions of one organisation
    unanswered_s: int = whole(30, 1, 86_400)  # that a client may answer nothing while those are full
    subscriptions_of_device: int = whole(100, 1, 100_000)  # in one session of MQTT
    subscriptions_of_key: int = whole(1_000, 1, 100_000)
    filters_per_packet: int = whole(1_000, 1, 65_535)  # of one SUBSCRIBE
    sessions_per_device: int = whole(16, 1, 10_000)  # of MQTT
    sessions_away: int = whole(10_000, 1, 1_000_000)  # of one organisation, without a connection
    sessions_per_key: int = whole(1_000, 1, 1_000_000)  # of MQTT
    retained_messages: int = whole(10_000, 0, 10_000_000)  # of one organisation
    retained_bytes: int = whole(4 << 20, 0, 1 << 34)
    retained_days: int = whole(365, 1, 36_500)
    wills_bytes: int = whole(16 << 20, 0, 1 << 34)  # of one organisation, on disk
    will_grace_s: int = whole(30, 0, 3600)  # from a start until those of clients are heard that are not back
    jobs_at_once: int = whole(4, 1, 1000)  # of one organisation
    job_days: int = whole(30, 1, 3650)  # how long one that ended is remembered
    command_days: int = whole(365, 1, 36_500)  # how long one that ended is told
    alert_days: int = whole(730, 1, 36_500)  # how long one that is over is kept
    deed_days: int = whole(365, 1, 36_500)  # how long it is told what people did
    rule_run_days: int = whole(365, 1, 36_500)  # how long it is told that a rule fired
    webhook_hours: int = whole(24, 1, 720)  # how long a call of a rule is tried
    webhooks_waiting: int = whole(1_000, 1, 1_000_000)  # calls of one organisation's rules
    analytics_days: int = whole(3_660, 1, 84_000)  # of one question
    analytics_sums: int = whole(100_000, 1, 10_000_000)  # of events, by day, kind, device and place
    analytics_kinds: int = whole(50, 1, 1_000)  # of events that one question names
    analytics_hours: int = whole(1_000_000, 1, 1_000_000_000)  # of all series of one question
    export_bytes: int = whole(2 << 30, 1 << 20, 1 << 50)  # all exported files together
    export_hours: int = whole(24, 1, 8760)  # how long one can be fetched
    import_bytes: int = whole(100 << 20, 1 << 10, 1 << 40)  # the largest file to import
    outgoing_networks: tuple[str, ...] = setting((), networks)  # that are not public, and may be called all the same
    name_lookups: int = whole(32, 8, 1_000)  # at once, of those that messages, calls and bridges need
    smtp_url: str = setting("", mail_server, shown=False)  # the mail server; empty: no mail
    mail_from: str = setting("Verger <verger@localhost>", sender)
    public_url: str = setting("", home)  # where people open Verger, for links in what they are sent
    notification_days: int = whole(90, 1, 3650)  # how long one is kept
    api_per_s: int = whole(100, 1, 1_000_000)  # requests a caller
    api_burst: int = whole(2_000, 1, 1_000_000)
    safe_mode_percent: int = whole(95, 50, 100)  # of the disk taken, from which on readings wait; 100 is never
    reserve_bytes: int = whole(256 << 20, 0, 1 << 40)  # held back for the safe mode, at most 2 % of the disk

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return the settings of an environment; raise BadSetting with one sentence for the first bad one."""
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for each in fields(cls):
            text = environ.get(PREFIX + each.name.upper())
            if text is not None and text != "":
                values[each.name] = _read(each, text)
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
        own = self.database_url.removeprefix(f"{SQLITE}/")
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
    return f"{SQLITE}/{folder / 'verger.db'}"


def _read(knob: Field[Any], text: str) -> Any:
    try:
        return knob.metadata["read"](text)
    except ValueError as wanted:
        raise BadSetting(f"{PREFIX}{knob.name.upper()} is {_shown(text)!r}; write {wanted}.") from None


def _shown(text: str) -> str:
    """Return what was written without a password in it."""
    return re.sub(r"(//[^/:@\s]*:)[^/@\s]+@", r"\1…@", text)
