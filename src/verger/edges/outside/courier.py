"""The courier: carries a message by whatever way leads to a person."""

import os
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from verger.base.clock import SECOND, Clock
from verger.domain.notifications.model import shortened
from verger.domain.notifications.ways import Mail, Message, Ntfy, Push, Telegram, Way, Webhook
from verger.edges.outside.http import Http
from verger.edges.outside.mail import Mailer
from verger.edges.outside.signing import signed
from verger.edges.outside.webpush import LONGEST, introduced, sealed

_JSON = {"Content-Type": "application/json"}
_TELEGRAM = "https://api.telegram.org"
_TELEGRAM_LONGEST = 4000
_PUSH_LONGEST = 700
_LOUD = {"critical": 5, "warning": 4, "info": 3}
_KEPT_S = "86400"


@dataclass(frozen=True)
class Courier:
    """Goes every way; `key` is what browsers know us by, `contact` whom a push service may ask about us."""

    http: Http
    mail: Mailer
    clock: Clock
    key: ec.EllipticCurvePrivateKey
    contact: str
    telegram: str = _TELEGRAM

    async def carry(self, way: Way, message: Message) -> None:
        """Bring a message there; raise Refused with a sentence when it did not arrive, Gone when none will."""
        match way:
            case Mail(address):
                await self.mail.send(address, message)
            case Webhook(url, secret):
                await self.post(url, [secret], message.id, msgspec.json.encode(message))
            case Push():
                await self._push(way, message)
            case Ntfy():
                await self._ntfy(way, message)
            case Telegram(token, chat):
                said = shortened("\n\n".join(_parts(message)), _TELEGRAM_LONGEST)
                body = msgspec.json.encode({"chat_id": chat, "text": said})
                await self.http.post(f"{self.telegram}/bot{token}/sendMessage", _JSON, body)

    async def post(self, url: str, secrets: Sequence[str], fresh: str, body: bytes) -> None:
        """Post JSON, signed by each of some secrets; raise as `carry` does."""
        at_s = self.clock.now() // SECOND
        await self.http.post(url, _JSON | signed(secrets, fresh, at_s, body), body)

    async def _push(self, way: Push, message: Message) -> None:
        body = sealed(fitting(message), way.p256dh, way.auth, ec.generate_private_key(ec.SECP256R1()), os.urandom(16))
        headers = {
            "Authorization": introduced(way.endpoint, self.key, self.contact, self.clock.now() // SECOND),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": _KEPT_S,
            "Urgency": "high" if message.severity == "critical" else "normal",
        }
        await self.http.post(way.endpoint, headers, body)

    async def _ntfy(self, way: Ntfy, message: Message) -> None:
        told: dict[str, Any] = {"topic": way.topic, "title": message.title, "priority": _LOUD[message.severity]}
        told["message"] = shortened(message.body or message.title, _TELEGRAM_LONGEST)
        if message.url:
            told["click"] = message.url
        await self.http.post(way.server, _JSON | _proof(way), msgspec.json.encode(told))


def _proof(way: Ntfy) -> dict[str, str]:
    """Return what opens a topic: a user with a password, or a token alone."""
    if way.user is None:
        return {}
    if way.password is None:
        return {"Authorization": f"Bearer {way.user}"}
    return {"Authorization": f"Basic {b64encode(f'{way.user}:{way.password}'.encode()).decode()}"}


def fitting(message: Message) -> bytes:
    """Return what a browser is told, whole JSON that it can read: of a long text as much as there is room for."""
    told: dict[str, Any] = {"id": message.id, "title": message.title, "severity": message.severity, "url": message.url}
    longest = _PUSH_LONGEST
    while True:
        plain = msgspec.json.encode(told | {"body": shortened(message.body, longest)})
        if len(plain) <= LONGEST or longest == 1:
            return plain
        longest = max(1, longest - (len(plain) - LONGEST) // 6 - 1)  # a letter takes 6 bytes at most


def _parts(message: Message) -> list[str]:
    return [part for part in (message.title, message.body, message.url) if part]
