"""Mail: one letter at a time to the server that the operator named, at an address that was checked."""

import asyncio
import smtplib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from verger.base.clock import Clock, moment
from verger.base.errors import Refused
from verger.base.lookups import on_behalf_of
from verger.base.outgoing import Outgoing
from verger.domain.notifications.ways import Closed, Message

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_CALL_S = 20.0
_AT_ONCE = 8  # letters; on threads of their own, so that a slow server takes none from anything else


class _Plain(smtplib.SMTP):
    """Speaks to one number, whatever name it is asked for; TLS still wants the name's certificate."""

    number = ""

    def _get_socket(self, _host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((self.number, port), timeout)


class _Safe(_Plain):
    """The same, over TLS from the first byte."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return ssl.create_default_context().wrap_socket(super()._get_socket(host, port, timeout), server_hostname=host)


@dataclass(frozen=True)
class Mailer:
    """Sends by `smtps://user:password@host`, `smtp+starttls://…` or `smtp://…`."""

    server: str
    sender: str
    outgoing: Outgoing
    clock: Clock
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_AT_ONCE, "mail"))

    async def send(self, address: str, message: Message) -> None:
        """Send a letter; raise Refused with a sentence when the server does not take it."""
        if not self.server:
            raise Closed("No mail server is named: an operator sets VERGER_SMTP_URL.")
        parts = urlsplit(self.server)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        with on_behalf_of(""):  # the operator named it, not whoever is told
            number = (await self.outgoing.addresses(host, port))[0]
        letter = self._letter(address, message)
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._send, number, port, letter)
        except smtplib.SMTPRecipientsRefused as error:
            raise Refused(f"The mail server does not take {address} ({_said(error.recipients[address])}).") from None
        except smtplib.SMTPResponseException as error:
            raise Refused(f"The mail server answered {_said((error.smtp_code, error.smtp_error))}.") from None
        except (smtplib.SMTPException, OSError) as error:
            raise Refused(f"The mail server {host} is not reached ({error}).") from None

    def _send(self, number: str, port: int, letter: EmailMessage) -> None:
        parts = urlsplit(self.server)
        with (_Safe if parts.scheme == "smtps" else _Plain)(timeout=_CALL_S) as server:
            server.number = number
            server._host = parts.hostname  # type: ignore[attr-defined]  # noqa: SLF001  `connect` alone forgets the name
            server.connect(parts.hostname or "", port)
            if parts.scheme == "smtp+starttls":
                server.starttls(context=ssl.create_default_context())
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(letter)

    def _letter(self, address: str, message: Message) -> EmailMessage:
        letter = EmailMessage()
        letter["Subject"] = " ".join(message.title.split())
        letter["From"], letter["To"] = self.sender, address
        letter["Date"] = format_datetime(moment(self.clock.now()))
        letter["Message-ID"] = f"<{message.id}@{self.sender.rpartition('@')[2].strip('>') or 'verger'}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content("\n\n".join(part for part in (message.body, message.url) if part) + "\n")
        return letter


def _said(reply: tuple[int, bytes | str]) -> str:
    code, words = reply
    plain = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {plain.splitlines()[0] if plain else ''}".strip()
