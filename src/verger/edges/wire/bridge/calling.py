"""Calling a broker: through the one door to the outside, over TLS with whatever certificates the bridge has."""

import asyncio
import os
import ssl
import tempfile
from pathlib import Path

from verger.base.errors import Refused
from verger.base.outgoing import Outgoing
from verger.domain.bridges.model import Bridge, Secrets

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_CALL_S = 15.0


async def call(outgoing: Outgoing, bridge: Bridge, secrets: Secrets) -> Streams:
    """Return the two ends of a fresh connection; raise Refused with what to look at."""
    context = await asyncio.to_thread(_context, bridge, secrets) if bridge.tls else None
    trouble: Exception | None = None
    for address in await outgoing.addresses(bridge.host, bridge.port):
        try:
            async with asyncio.timeout(_CALL_S):
                return await asyncio.open_connection(
                    address, bridge.port, ssl=context, server_hostname=bridge.host if context else None, limit=1 << 18
                )
        except (OSError, TimeoutError) as error:  # ssl.SSLError is one
            trouble = error
    raise Refused(_told(bridge, trouble))


def _told(bridge: Bridge, trouble: Exception | None) -> str:
    where = f"{bridge.host}:{bridge.port}"
    if isinstance(trouble, ssl.SSLCertVerificationError):
        return f"{where} shows a certificate that is not trusted ({trouble.verify_message}); give its `ca`."
    if isinstance(trouble, ssl.SSLError):
        return f"{where} and we find no common TLS ({trouble.reason or 'it ended'}): is a client certificate needed?"
    why = getattr(trouble, "strerror", None) or str(trouble) or "no answer in time"
    return f"{where} is not reached ({why})."


def _context(bridge: Bridge, secrets: Secrets) -> ssl.SSLContext:
    """Return how TLS is spoken; raise Refused for a certificate or key that cannot be read."""
    try:
        context = ssl.create_default_context(cadata=secrets.ca)
        if secrets.certificate:
            _present(context, secrets.certificate, secrets.key or "")
    except (ssl.SSLError, ValueError):
        sentence = "The certificate, its key or the `ca` cannot be read: give PEM, the key without a passphrase."
        raise Refused(sentence) from None
    if bridge.alpn:
        context.set_alpn_protocols([bridge.alpn])
    return context


def _present(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Let a context show a certificate; the ssl module reads one from files only."""
    file, name = tempfile.mkstemp()  # for its owner only
    try:
        with os.fdopen(file, "w") as pem:
            pem.write(f"{certificate}\n{key}\n")
        context.load_cert_chain(name, password=lambda: b"")
    finally:
        Path(name).unlink()
