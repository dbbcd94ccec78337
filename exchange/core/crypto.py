"""Secrets at rest: data keys wrapped under a versioned master key, AES-GCM, keyed blind indexes.

Destroying a wrapped data key destroys what it locks; that is how a person is erased.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from exchange.core.chunks import CannotUnlock

KEY_BYTES = 32
NONCE_BYTES = 12
ENTROPY_BYTES = 1 << 16
INDEX_BYTES = 16  # of a keyed hash: no two people meet by chance


Random = Callable[[int], bytes]  # so many fresh bytes


class Entropy:
    """Random bytes of the kernel for many uses, fetched together; no byte is given twice.

    For the process alone that made it: a fork would give the same bytes again.
    """

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0

    def take(self, size: int) -> bytes:
        """So many fresh bytes."""
        if self._at + size > len(self._bytes):
            self._bytes, self._at = os.urandom(max(size, ENTROPY_BYTES)), 0
        start, self._at = self._at, self._at + size
        return self._bytes[start : self._at]


def new_key() -> bytes:
    """A fresh data key."""
    return os.urandom(KEY_BYTES)


def seal_bytes(key: bytes, plain: bytes, *, bound_to: bytes, random: Random = os.urandom) -> bytes:
    """Nonce and AES-GCM ciphertext; `bound_to` ties the bytes to their row."""
    nonce = random(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def open_bytes(key: bytes, sealed: bytes, *, bound_to: bytes) -> bytes:
    """What `seal_bytes` took. Raises CannotUnlock."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
    except InvalidTag as error:
        raise CannotUnlock from error


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key under a master key: what a row may hold."""

    version: int
    wrapped: bytes


class Keyring:
    """The master keys of this installation; the highest version wraps, all of them unwrap."""

    def __init__(self, keys: dict[int, bytes]) -> None:
        self._wrapping = {number: _derive(key, b"wrap") for number, key in keys.items()}
        self._deriving = {number: _derive(key, b"derive") for number, key in keys.items()}
        self._newest = max(keys)
        self._lock: AESGCM | None = None  # under the newest; made once, and not sent elsewhere
        # The blind index must stay the same when master keys are rotated: the first key makes it.
        self._index = _derive(keys[min(keys)], b"blind-index")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Parse "1:base64,2:base64". Raises ValueError naming what is wrong, never the key."""
        keys: dict[int, bytes] = {}
        for part in text.split(","):
            number, _, encoded = part.strip().partition(":")
            keys[int(number)] = base64.b64decode(encoded, validate=True)
        if any(len(key) != KEY_BYTES for key in keys.values()):
            raise ValueError(f"a master key is {KEY_BYTES} bytes in base64")
        return cls(keys)

    def wrap(self, key: bytes, *, bound_to: bytes, random: Random = os.urandom) -> WrappedKey:
        """Lock a data key under the newest master key."""
        if self._lock is None:
            self._lock = AESGCM(self._wrapping[self._newest])
        nonce = random(NONCE_BYTES)
        return WrappedKey(self._newest, nonce + self._lock.encrypt(nonce, key, bound_to))

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_lock": None}

    def unwrap(self, wrapped: WrappedKey, *, bound_to: bytes) -> bytes:
        """The data key again. Raises CannotUnlock."""
        master = self._wrapping.get(wrapped.version)
        if master is None:
            raise CannotUnlock(f"master key {wrapped.version} is not configured")
        return open_bytes(master, wrapped.wrapped, bound_to=bound_to)

    @property
    def newest(self) -> int:
        """The version of the master key that new things are locked under."""
        return self._newest

    def derived_key(self, purpose: str, *, context: bytes, version: int) -> bytes:
        """A key for one thing alone, made from a master key and stored nowhere.

        Raises CannotUnlock where that version is not configured.
        """
        master = self._deriving.get(version)
        if master is None:
            raise CannotUnlock(f"master key {version} is not configured")
        return _derive(master, purpose.encode() + b"|" + context)

    def blind_index(self, purpose: str, value: str) -> bytes:
        """A keyed hash of a normalised value: equal values meet, nobody reads them back."""
        (index,) = self.blind_indexes(purpose, (value,))
        assert index is not None
        return index

    def blind_indexes(self, purpose: str, values: Iterable[str | None]) -> list[bytes | None]:
        """The keyed hashes of many values, which are begun together; None of None.

        Keyed BLAKE2b (RFC 7693) is a MAC as HMAC is, at a third of its cost.
        """
        begun = blake2b(f"{purpose}|".encode(), key=self._index, digest_size=INDEX_BYTES)
        found: list[bytes | None] = []
        for value in values:
            if value is None:
                found.append(None)
                continue
            one = begun.copy()
            one.update(value.encode())
            found.append(one.digest())
        return found


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)
