"""TLS: the program's certificate, looked at again while it runs."""

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import structlog
from cryptography import x509
from msgspec import Struct

from verger.base.settings import PREFIX, BadSetting, Settings

log = structlog.get_logger()


class Files(Struct, frozen=True):
    """Where certificate, key and the authorities of clients' certificates lie; the key may be in the certificate's."""

    cert: Path
    key: Path | None = None
    client_ca: Path | None = None

    def state(self) -> tuple[tuple[int, ...] | None, ...]:
        """Return what changes when one of the files does."""
        return tuple(None if path is None else _stat(path) for path in (self.cert, self.key, self.client_ca))


class Tls:
    """What new connections are encrypted with: the files as they were when last found whole.

    `trouble` is empty, or says why newer files are not used.
    """

    def __init__(self, files: Files) -> None:
        """Read the files; raise BadSetting when they cannot be used."""
        self.trouble = ""
        self._files, self._state = files, files.state()
        self._now = self._first = _load(files)
        # Called for each client that greets, whether or not it names a server.
        self._first.plain.sni_callback = lambda connection, *_: _turn(connection, self._now.plain)
        self._first.asking.sni_callback = lambda connection, *_: _turn(connection, self._now.asking)

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Return what the settings ask for, None when no port is encrypted; raise BadSetting."""
        ports = [name for name in ("mqtt_tls_port", "http_tls_port") if getattr(settings, name) is not None]
        if settings.tls_client_ca is not None and "mqtt_tls_port" not in ports:
            raise BadSetting(f"{PREFIX}TLS_CLIENT_CA is for devices over TLS: set {PREFIX}MQTT_TLS_PORT, too.")
        if not ports:
            return None
        if settings.tls_cert is None:
            raise BadSetting(
                f"{PREFIX}{ports[0].upper()} needs {PREFIX}TLS_CERT, a file with a certificate in PEM form, "
                f"and {PREFIX}TLS_KEY, a file with its key."
            )
        return cls(Files(settings.tls_cert, settings.tls_key, settings.tls_client_ca))

    def context(self, *, asks: bool = False) -> ssl.SSLContext:
        """Return a context for a listener that goes on with renewed files; `asks` clients for certificates, if any."""
        return self._first.asking if asks else self._first.plain

    @property
    def ends_at(self) -> datetime:
        """When the certificate ends."""
        return self._now.ends_at

    async def look(self) -> None:
        """Use changed files from now on, or keep the old ones if the new ones cannot be used."""
        state = self._files.state()
        if state == self._state:
            return
        self._state = state
        try:
            self._now = await asyncio.to_thread(_load, self._files)
        except BadSetting as wrong:
            self.trouble = f"The certificate was changed but cannot be used, so the one before still is. {wrong}"
            log.warning("a changed certificate cannot be used", why=str(wrong))
            return
        self.trouble = ""
        log.info("the certificate was renewed", ends_at=self.ends_at.isoformat())

    async def check(self) -> str:
        """Return "ok", or a sentence when the certificate has ended or a newer one cannot be used."""
        if self.ends_at <= datetime.now(UTC):
            return f"The certificate ended on {self.ends_at:%Y-%m-%d}: renew {PREFIX}TLS_CERT. {self.trouble}".strip()
        return self.trouble or "ok"


class _Loaded(Struct, frozen=True):
    """Contexts of one state of the files; `asking` wants to see clients' certificates."""

    plain: ssl.SSLContext
    asking: ssl.SSLContext
    ends_at: datetime


def _turn(connection: ssl.SSLObject | ssl.SSLSocket, context: ssl.SSLContext) -> None:
    connection.context = context


def _load(files: Files) -> _Loaded:
    plain, asking = _context(files), _context(files)
    if files.client_ca is not None:
        try:
            asking.load_verify_locations(files.client_ca)
        except OSError as error:
            raise _wrong("tls_client_ca", files.client_ca, error, "the certificates of authorities") from None
        asking.verify_mode = ssl.CERT_OPTIONAL
    return _Loaded(plain, asking, x509.load_pem_x509_certificates(files.cert.read_bytes())[0].not_valid_after_utc)


def _context(files: Files) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for name, path in (("tls_cert", files.cert), ("tls_key", files.key)):
        if path is not None and not path.is_file():
            raise BadSetting(f"{PREFIX}{name.upper()} is {str(path)!r}, which is no file; name one in PEM form.")
    try:
        # without a password to try, OpenSSL would ask for one at the terminal
        context.load_cert_chain(files.cert, files.key, password=lambda: "")
    except OSError as error:
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            raise BadSetting(
                f"{PREFIX}TLS_KEY is not the key of {PREFIX}TLS_CERT: name the two that were made together."
            ) from None
        raise _wrong("tls_cert", files.cert, error, "a certificate, and its key without a password") from None
    return context


def _wrong(name: str, path: Path, error: OSError, wanted: str) -> BadSetting:
    why = "it cannot be understood" if isinstance(error, ssl.SSLError) else error.strerror
    return BadSetting(f"{PREFIX}{name.upper()} is {str(path)!r} ({why}); name a file with {wanted}, in PEM form.")


def _stat(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
