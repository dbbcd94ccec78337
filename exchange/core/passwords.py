"""Passwords: Argon2id, with the cost that the settings name; tokens and codes beside them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from flask import Flask, current_app

LENGTH_MIN = 10


def hash_password(password: str) -> str:
    """The Argon2id hash to keep."""
    return _hasher().hash(password)


def password_matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is right; takes as long for a user who does not exist."""
    try:
        _hasher().verify(password_hash or current_app.extensions["nobody"], password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return password_hash is not None


def new_token(prefix: str = "") -> str:
    """A secret of 32 random bytes, for links, sign-ins and API keys."""
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is kept of a token. It is random, so a fast hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def code_from(secret_key: str, *, purpose: str) -> str:
    """A code of 80 bits that people can type; it follows from the secret, so nobody stores it."""
    digest = hmac.digest(secret_key.encode(), purpose.encode(), "sha256")
    letters = base64.b32encode(digest[:10]).decode()
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def init_app(app: Flask, *, memory_kib: int, time_cost: int) -> None:
    """Set the cost; a hash of nobody's password is made for the answer to unknown users."""
    hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)
    app.extensions["passwords"] = hasher
    app.extensions["nobody"] = hasher.hash(secrets.token_urlsafe())


def _hasher() -> PasswordHasher:
    hasher: PasswordHasher = current_app.extensions["passwords"]
    return hasher
