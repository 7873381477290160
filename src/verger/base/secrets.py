"""Secrets: making them, proving them, sealing what holds them, and keeping them out of sight."""

import base64
import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from verger.base.errors import Refused

_BYTES = 32  # 256 bits
_NONCE = 12
_FILE = "secret.key"

_MASKS = (
    (re.compile(r"\b(v[a-z]_)[A-Za-z0-9_-]{6,}"), r"\1…"),
    (re.compile(r"\b(whsec_)[A-Za-z0-9+/=]{6,}"), r"\1…"),
    (re.compile(r"(/t/)[^/\s?#\"']+"), r"\1…"),
    (re.compile(r"(/api/v1/)[^/\s?#\"']+(?=/(?:telemetry|attributes|events|rpc|claim|firmware|software)\b)"), r"\1…"),
    (re.compile(r"([?&#]code=)[^&\s\"']+"), r"\1…"),
    (re.compile(r"(?i)(\bbearer\s+)[^\s,\"']+"), r"\1…"),
)


class Unsealable(Refused):
    """What was sealed was changed since, or sealed with another secret."""


def new_token(kind: str) -> str:
    """Return a fresh token of 256 bits that tells its kind, such as `vs_…`."""
    return f"{kind}_{secrets.token_urlsafe(_BYTES)}"


def signing_secret() -> str:
    """Return a fresh secret that signs what is posted, written as Standard Webhooks has it: `whsec_…`."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_BYTES)).decode()}"


def digest(token: str) -> str:
    """Return what is kept of a token instead of it: its SHA-256 in hex; tokens of 256 bits need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Tell whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def masked(text: str) -> str:
    """Return the text with every token, enrolment key and one-time code in it replaced by an ellipsis."""
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return text


class ServerSecret:
    """The one secret of a data folder; keys for each use are derived from it."""

    def __init__(self, secret: bytes) -> None:
        """Use a secret of 32 bytes; `ServerSecret.open` keeps one in a folder."""
        self._sealing = AESGCM(hmac.digest(secret, b"verger sealing", "sha256"))
        self._marking = hmac.digest(secret, b"verger marking", "sha256")

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the folder's secret; the first time make it, for its owner only, on disk before it is used."""
        path = folder / _FILE
        if not path.exists():
            _write_once(path, secrets.token_bytes(_BYTES))
        secret = path.read_bytes()
        if len(secret) != _BYTES:
            raise Refused(f"{path} is damaged: it should hold {_BYTES} bytes. Put it back from a backup.")
        return cls(secret)

    def seal(self, plain: bytes, about: str) -> bytes:
        """Encrypt; it opens only with the same `about`, so that it cannot be moved elsewhere."""
        nonce = os.urandom(_NONCE)
        return nonce + self._sealing.encrypt(nonce, plain, about.encode())

    def unseal(self, sealed: bytes, about: str) -> bytes:
        """Decrypt what `seal` made about the same; raise Unsealable otherwise."""
        try:
            return self._sealing.decrypt(sealed[:_NONCE], sealed[_NONCE:], about.encode())
        except (InvalidTag, ValueError):
            raise Unsealable("This was sealed with another secret, or was changed since.") from None

    def mark(self, *parts: bytes) -> str:
        """Return a fingerprint in hex that nobody without the secret can test guesses against."""
        code = hmac.new(self._marking, digestmod="sha256")
        for part in parts:
            code.update(len(part).to_bytes(8) + part)
        return code.hexdigest()


def _write_once(path: Path, secret: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, secret)
        os.fsync(file)
    finally:
        os.close(file)
    fresh.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
