"""Somebody else's broker: a real mosquitto on a free port, with certificates if asked for."""

import datetime as dt
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Broker:
    """A broker that can be stopped and started again."""

    folder: Path
    port: int = field(default_factory=free_port)
    more: str = "allow_anonymous true\n"
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Broker":
        config = self.folder / "mosquitto.conf"
        bounds = "max_queued_messages 0\nmax_inflight_messages 200\nuser root\n"
        config.write_text(f"listener {self.port} 127.0.0.1\n{bounds}{self.more}")
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.process = subprocess.Popen(
            [program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.02)  # a process of its own: nothing else tells that it listens
        raise AssertionError("mosquitto did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def says(self, topic: str, body: str, *more: str) -> None:
        """Let somebody publish at QoS 1; the broker has it on return."""
        program = str(shutil.which("mosquitto_pub"))
        subprocess.run(
            [program, "-p", str(self.port), "-q", "1", "-t", topic, "-m", body, *more], check=True, timeout=20
        )


@dataclass(frozen=True)
class Papers:
    """A certificate authority in a folder, with what it signed: PEM as text."""

    folder: Path
    ca: str
    certificate: str
    key: str

    @property
    def config(self) -> str:
        """What a broker needs to show them, and to ask for them."""
        return (
            f"cafile {self.folder / 'ca.pem'}\ncertfile {self.folder / 'cert.pem'}\nkeyfile {self.folder / 'key.pem'}\n"
            "require_certificate true\nuse_identity_as_username true\nallow_anonymous false\n"
        )


def papers(folder: Path) -> Papers:
    """Make an authority and a certificate for 127.0.0.1 that serves both ends."""
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = _signed("Authority", authority, authority, is_authority=True)
    signed = _signed("localhost", key, authority, is_authority=False)
    made = Papers(folder, _pem(ca), _pem(signed), _key(key))
    for name, text in (("ca", made.ca), ("cert", made.certificate), ("key", made.key)):
        (folder / f"{name}.pem").write_text(text)
    return made


def _signed(
    name: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey, *, is_authority: bool
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, "Authority"))
    usage = x509.KeyUsage(True, False, False, False, False, is_authority, is_authority, False, False)  # noqa: FBT003
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
        .add_extension(usage, critical=True)
    )
    return builder.sign(by, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
