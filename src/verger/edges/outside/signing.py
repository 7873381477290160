"""Signing what is posted, as Standard Webhooks tells (github.com/standard-webhooks/standard-webhooks)."""

import base64
import hashlib
import hmac

_PREFIX = "whsec_"


def signed(secret: str, fresh: str, at_s: int, body: bytes) -> dict[str, str]:
    """Return the headers that prove a body: its id, when it left, and HMAC-SHA256 over both and the body."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    code = hmac.new(key, f"{fresh}.{at_s}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": fresh,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{base64.b64encode(code).decode()}",
    }
