"""What is said of rows and files on the pages of a seller, in the language of who reads."""

from __future__ import annotations

from flask_babel import gettext as _

from exchange.leads.findings import FILE_SENTENCES, NOTE_SENTENCES, row_sentence
from exchange.leads.models import Import


def sentence(code: str) -> str:
    """What a code that was found in a row means."""
    return str(_(row_sentence(code)))


def note(code: str, value: str) -> str:
    """What was noticed about a file as it was read."""
    return str(_(NOTE_SENTENCES.get(code, code), value=value))


def refusal(draft: Import) -> str:
    """Why the file cannot be read to its end; empty where it can, as far as is known."""
    if not draft.refusal:
        return ""
    known = FILE_SENTENCES.get(draft.refusal["code"], draft.refusal["sentence"])
    return str(_(known, **draft.refusal["facts"]))
