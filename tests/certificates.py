"""Certificates for tests: an authority, and what it signs."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """Signs certificates into a folder; `path` is its own."""

    def __init__(self, folder: Path, name: str = "Test authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._key, self._name = folder, _new_key(), _named(name)
        asked = _asked(self._name, self._name, self._key, 30 * DAY)
        asked = asked.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.path = folder / f"{name.replace(' ', '-')}.pem"
        self.path.write_bytes(asked.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def sign(self, name: str, *, lasts: timedelta = 30 * DAY, password: bytes | None = None) -> tuple[Path, Path]:
        """Write `name.pem` and `name.key`, also for a server at 127.0.0.1; return both."""
        key = _new_key()
        asked = _asked(_named(name), self._name, key, lasts)
        where = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
        asked = asked.add_extension(x509.SubjectAlternativeName(where), critical=False)
        cert, secret = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        hidden: KeySerializationEncryption = BestAvailableEncryption(password) if password else NoEncryption()
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden))
        cert.write_bytes(asked.sign(self._key, SHA256()).public_bytes(Encoding.PEM))
        return cert, secret

    def client(self, shown: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        """Return what a client uses that trusts this authority, and shows a certificate if it has one."""
        context = ssl.create_default_context(cafile=self.path)
        if shown is not None:
            context.load_cert_chain(*shown)
        return context


def name_in(shown: bytes | None) -> str:
    """Return the common name in a certificate that a server showed."""
    assert shown is not None
    return str(x509.load_der_x509_certificate(shown).subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _asked(
    name: x509.Name, by: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    fresh = x509.CertificateBuilder(by, name, key.public_key(), x509.random_serial_number())
    return fresh.not_valid_before(min(now, now + lasts) - DAY).not_valid_after(now + lasts)
