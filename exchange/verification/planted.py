"""What people say in a sandbox or a demo, where nobody is called (decision 29).

The truth about an invented person is planted in the last two digits of the phone number, and the
card on the verifier's screen speaks accordingly. Demo data is made bad by its endings:

    00 the number is dead (so is every number ending in 0000)    04 call back, then it is confirmed
    01 another person answers                                     05 do not call
    02 the person denies the request                              06 nobody can judge
    03 nobody answers, however often                              07 confirmed with corrections

Every other ending is a person who asked. Of numbers with random endings 3 % are bad, 3 % stay
open and 1 % needs a second call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from exchange.catalog.scripts import Outcome, Script

ENDINGS: Final = {
    "00": Outcome.NUMBER_DEAD,
    "01": Outcome.WRONG_PERSON,
    "02": Outcome.DENIES,
    "03": Outcome.NOT_REACHED,
    "04": Outcome.CALL_BACK,
    "05": Outcome.DO_NOT_CALL,
    "06": Outcome.CANNOT_JUDGE,
    "07": Outcome.CORRECTED,
}


def truth(phone: str, *, attempts: int) -> Outcome:
    """How the call ends; who asked to be called back confirms in the next call."""
    found = ENDINGS.get(phone[-2:], Outcome.CONFIRMED)
    if found is Outcome.CALL_BACK and attempts > 0:
        return Outcome.CONFIRMED
    return found


def said(script: Script, *, phone: str, lead_id: UUID, attempts: int) -> str:
    """What is heard in this call, in the script's language; always the same for one lead."""
    texts: Sequence[str] = script.planted.get(truth(phone, attempts=attempts), ())
    return texts[lead_id.int % len(texts)] if texts else ""
