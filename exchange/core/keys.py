"""The keyring of the running application: where its master keys come from."""

from __future__ import annotations

from flask import Flask, current_app

from exchange.core.crypto import Keyring


def keyring() -> Keyring:
    """The keyring of the running application."""
    ring: Keyring = current_app.extensions["keyring"]
    return ring


def init_app(app: Flask, master_keys: str) -> None:
    """Read the master keys once."""
    app.extensions["keyring"] = Keyring.from_text(master_keys)
