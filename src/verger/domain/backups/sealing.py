"""Sealing: a stream of bytes under a passphrase, in pieces that are each proven; pure but for the chance of salts.

A sealed stream is a head of 41 bytes (magic, cost of scrypt, salt, salt of this stream) and then pieces, each a
mebibyte and its AES-256-GCM tag. The key of a stream is derived from the passphrase's key and the stream's salt, so no
nonce is ever used twice; the nonce tells the number of a piece and whether it is the last, so none can be moved or
left out.
"""

import hmac
import os
from collections.abc import Callable, Iterator
from struct import Struct as Layout
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from msgspec import Struct

from verger.base.errors import Refused

MAGIC = b"VSEAL\x01"
_HEAD = Layout("<6sBBB16s16s")
HEAD = _HEAD.size
_PIECE = 1 << 20
_TAG = 16
_MOST_COST = 20  # of scrypt: a gibibyte; more is no head of ours

Read = Callable[[int], bytes]
"""Returns so many bytes of a stream, fewer only at its end."""


class Unopened(Refused):
    """The passphrase does not fit, or what is sealed was changed."""


class Cost(Struct, frozen=True):
    """What scrypt is asked for: 2**log_n blocks of 128 * r bytes, p times."""

    log_n: int = 15
    r: int = 8
    p: int = 3


class Seal:
    """What a passphrase gives with one salt: it seals streams, opens them, and gives contents names of their own."""

    def __init__(self, passphrase: bytes, salt: bytes | None = None, cost: Cost | None = None) -> None:
        """Derive the key, which takes 32 MiB and about a quarter of a second; without a salt, with a new one."""
        self.salt = salt or os.urandom(16)
        self.cost = cost or Cost()
        self._passphrase = passphrase
        scrypt = Scrypt(self.salt, 32, 1 << self.cost.log_n, self.cost.r, self.cost.p)
        self._key = scrypt.derive(passphrase)
        self._naming = hmac.digest(self._key, b"names of contents", "sha256")

    @classmethod
    def like(cls, passphrase: bytes, head: bytes) -> Self:
        """Return the seal with which a stream was sealed; raise Unopened where no stream of ours begins so."""
        cost, salt, _ = _read_head(head)
        return cls(passphrase, salt, cost)

    def made(self, head: bytes) -> bool:
        """Tell whether a stream that begins so was sealed with this salt."""
        cost, salt, _ = _read_head(head)
        return (cost, salt) == (self.cost, self.salt)

    def name(self, sha256: bytes) -> str:
        """Return the name of contents, which tells nobody else what they are."""
        return hmac.digest(self._naming, sha256, "sha256").hex()

    def seal(self, read: Read) -> Iterator[bytes]:
        """Give a stream sealed."""
        own = os.urandom(16)
        head = _HEAD.pack(MAGIC, self.cost.log_n, self.cost.r, self.cost.p, self.salt, own)
        yield head
        box, number, piece = self.box(own), 0, read(_PIECE)
        while True:
            following = read(_PIECE) if len(piece) == _PIECE else b""
            yield box.encrypt(_nonce(number, last=not following), piece, head)
            if not following:
                return
            number, piece = number + 1, following

    def open(self, read: Read) -> Iterator[bytes]:
        """Give a sealed stream in the clear; raise Unopened before a piece that is not as it was sealed."""
        head = read(HEAD)
        own = _read_head(head)[2]
        seal = self if self.made(head) else Seal.like(self._passphrase, head)
        yield from _open(seal.box(own), head, read)

    def box(self, own: bytes) -> AESGCM:
        """Return what seals and opens the pieces of the stream with a salt of its own."""
        return AESGCM(hmac.digest(self._key, b"stream " + own, "sha256"))


def _open(box: AESGCM, head: bytes, read: Read) -> Iterator[bytes]:
    number, piece = 0, read(_PIECE + _TAG)
    while True:
        following = read(_PIECE + _TAG) if len(piece) == _PIECE + _TAG else b""
        try:
            yield box.decrypt(_nonce(number, last=not following), piece, head)
        except (InvalidTag, ValueError):
            raise Unopened("The passphrase does not fit, or what is sealed was changed.") from None
        if not following:
            return
        number, piece = number + 1, following


def _read_head(head: bytes) -> tuple[Cost, bytes, bytes]:
    if len(head) == HEAD:
        magic, log_n, r, p, salt, own = _HEAD.unpack(head)
        if magic == MAGIC and 0 < log_n <= _MOST_COST and 0 < r <= 16 and 0 < p <= 16:
            return Cost(log_n, r, p), salt, own
    raise Unopened("These bytes were not sealed by this version of Verger.")


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])
