"""Web Push: messages that only one browser can open (RFC 8291), from a server that it knows (RFC 8292)."""

import base64
import hashlib
import hmac
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from verger.base.secrets import ServerSecret

LONGEST = 3_000  # bytes of a message; push services take 4096 of a whole one
_RECORD = 4096
_TOKEN_S = 12 * 3600
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


def server_key(secret: ServerSecret) -> ec.EllipticCurvePrivateKey:
    """Return the key that browsers know this Verger by; it lasts as long as the data folder's secret."""
    number = int(secret.mark(b"web push"), 16)
    return ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())


def public(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a key's public half as browsers take it: an uncompressed point."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def text(raw: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def raw(packed: str) -> bytes:
    """Return the bytes of a text in base64url."""
    return base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))


def sealed(plain: bytes, p256dh: str, auth: str, once: ec.EllipticCurvePrivateKey, salt: bytes) -> bytes:
    """Return a body that only the browser of these keys can open; `once` and `salt` are fresh for each."""
    theirs, ours = raw(p256dh), public(once)
    shared = once.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
    secret = _derived(raw(auth), shared, b"WebPush: info\x00" + theirs + ours, 32)
    key = _derived(salt, secret, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derived(salt, secret, b"Content-Encoding: nonce\x00", 12)
    header = salt + _RECORD.to_bytes(4) + len(ours).to_bytes(1) + ours
    return header + AESGCM(key).encrypt(nonce, plain + b"\x02", None)


def introduced(endpoint: str, key: ec.EllipticCurvePrivateKey, contact: str, at_s: int) -> str:
    """Return the Authorization that tells a push service who sends."""
    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": at_s + _TOKEN_S, "sub": contact}
    head = text(msgspec.json.encode({"typ": "JWT", "alg": "ES256"}))
    unsigned = f"{head}.{text(msgspec.json.encode(claims))}"
    r, s = decode_dss_signature(key.sign(unsigned.encode(), ec.ECDSA(hashes.SHA256())))
    return f"vapid t={unsigned}.{text(r.to_bytes(32) + s.to_bytes(32))}, k={text(public(key))}"


def _derived(salt: bytes, secret: bytes, about: bytes, length: int) -> bytes:
    """Return HKDF with SHA-256 of at most 32 bytes (RFC 5869)."""
    return hmac.digest(hmac.digest(salt, secret, hashlib.sha256), about + b"\x01", hashlib.sha256)[:length]
