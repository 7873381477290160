"""Certificates of the other side: known by their SHA-256 fingerprint, in small hex without colons."""

import asyncio
import re
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from verger.base.errors import Fault, Invalid

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


def shown(connection: asyncio.BaseTransport) -> str:
    """Return the fingerprint of the certificate that the other side of a connection proved, empty without one."""
    tls = connection.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    return sha256(certificate).hexdigest() if certificate else ""


def fingerprint(text: str) -> str:
    """Return the fingerprint of a certificate in PEM form, or of one told by its fingerprint; raise Invalid."""
    bare = text.strip().replace(":", "").lower()
    if _FINGERPRINT.fullmatch(bare):
        return bare
    try:
        certificate = x509.load_pem_x509_certificates(text.encode())[0]
    except ValueError:
        sentence = "Send the device's certificate in PEM form, or its SHA-256 fingerprint, 64 digits of hex."
        raise Invalid(sentence, [Fault("certificate", sentence)]) from None
    return sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
