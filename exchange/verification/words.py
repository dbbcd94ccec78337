"""Words of the verifier's screen that are chosen by a code."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext as _

from exchange.catalog.scripts import Asked
from exchange.verification.workers import PauseRule

SKIPS: Final = {
    "language": _("I do not speak the language"),
    "line": _("My line or device has a problem"),
    "acquaintance": _("I know this person"),
    "other": _("Another reason"),
}
ASKED: Final = {
    Asked.CALLED_BEFORE: _("Called about this before"),
    Asked.HORIZON: _("Wants to act"),
}
PAUSES: Final[dict[str, str]] = {
    PauseRule.GOLD_ERRORS: _("Too many answers to calls with a known answer were wrong."),
    PauseRule.TOO_FAST: _("Three talks in a row took less than ten seconds each."),
    PauseRule.SKIPS: _("Five calls in a row were skipped."),
}
KEYS: Final = (
    ("1", _("choose a result, 1 to 9")),
    ("Mod+Enter", _("submit and next")),
    ("D", _("call")),
    ("ArrowRight", _("next line of the script")),
    ("ArrowLeft", _("previous line")),
    ("N", _("note")),
    ("C", _("time of the call-back")),
    ("E", _("correct what is claimed")),
    ("U", _("undo the last result (30 s)")),
    ("X", _("keep the call longer")),
    ("Ctrl+Space", _("skip")),
    ("B", _("break: give the call back")),
    ("?", _("this list")),
)
