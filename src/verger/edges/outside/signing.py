"""Signing what is posted, as Standard Webhooks tells (github.com/standard-webhooks/standard-webhooks)."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

_PREFIX = "whsec_"


def signed(secrets: Sequence[str], fresh: str, at_s: int, body: bytes) -> dict[str, str]:
    """Return the headers that prove a body: its id, when it left, and for each secret HMAC-SHA256 over all of it."""
    said = f"{fresh}.{at_s}.".encode() + body
    return {
        "webhook-id": fresh,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(f"v1,{_code(secret, said)}" for secret in secrets),
    }


def _code(secret: str, said: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return base64.b64encode(hmac.digest(key, said, hashlib.sha256)).decode()
