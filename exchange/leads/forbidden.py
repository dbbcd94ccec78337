"""Data that an exchange of leads must not hold: cards, identity numbers, passwords, health.

Refused by the header and by what the cells are, before anything is stored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from exchange.catalog.fields import LeadFields
from exchange.catalog.words import fold
from exchange.leads.findings import N_, FileReject

CARD: Final = N_("card numbers")
_IDENTITY: Final = N_("identity numbers")
_SECRET: Final = N_("passwords")
_HEALTH: Final = N_("health data")

# What headers say after `fold`, in English, Russian, Spanish and Malay. The second pattern is for
# words that mean something else beside others: "has credit card", "passport country".
_HEADERS: Final = {
    CARD: (
        (
            r"card (?:number|no|num|pan|expiry)|cardnumber|cc (?:number|num|no)|cvv2?|cvc2?"
            r"|номер (?:банковскои )?карты|numero de (?:la )?tarjeta|(?:nombor|no) kad"
        ),
        (
            r"(?:credit|debit|bank|payment) card|банковская карта"
            r"|tarjeta(?: de (?:credito|debito))?|kad (?:kredit|debit)"
        ),
    ),
    _IDENTITY: (
        (
            r"ssn|social ?security(?: (?:number|no))?|sin number|passport (?:number|no|num)"
            r"|national id(?:entity)?(?: number)?|снилс|номер паспорта|numero de pasaporte"
            r"|seguridad social|mykad|no kp|no ic|kad pengenalan|nombor pasport"
        ),
        r"passport|паспорт|паспортные данные|pasaporte|dni|nie|dni nie|pasport",
    ),
    _SECRET: (r"passwords?|passwd|pwd|пароль|пароли|contrasena|kata laluan", r"clave"),
    _HEALTH: (
        (
            r"diagnos[ie]s|medical (?:condition|history|record)s?|health (?:status|condition)"
            r"|hiv(?: status)?|blood type|диагноз\w*|заболевани\w*|группа крови|вич"
            r"|diagnostico|enfermedad(?:es)?|historial medico|rekod perubatan|kumpulan darah"
        ),
        (
            r"diseases?|illness|medications?|prescriptions?|disability|болезн\w*|инвалидность"
            r"|medicacion|discapacidad|penyakit"
        ),
    ),
}
_PATTERNS: Final = {
    kind: re.compile(rf"(?:.* )?(?:{anywhere})(?: .*)?|(?:{alone})")
    for kind, (anywhere, alone) in _HEADERS.items()
}

# In a sample; one such cell among many may be an order number that passes by chance.
CELLS_SHARE: Final = 0.2
CARD_DIGITS_MIN: Final = 14
_CARD_CELL: Final = re.compile(r"(?<![\d+])\d(?:[ -]?\d){13,18}(?!\d)")
_SSN_CELL: Final = re.compile(r"(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")
# Issuer ranges with the lengths that they use.
_ISSUERS: Final = re.compile(
    r"4\d{15}"  # Visa
    r"|5[1-5]\d{14}|(?:222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}|6(?:011|5\d\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}"  # Amex, Discover, JCB
    r"|3(?:0[0-5]|[68]\d)\d{11}|220[0-4]\d{12}|62\d{14,17}"  # Diners, Mir, UnionPay
)


def refuse_forbidden(
    header: Sequence[str], sample: Sequence[Sequence[str]], *, fields: LeadFields
) -> None:
    """Raise FileReject(forbidden_data) for the first column that must not be here.

    A header that the vertical's own schema asks for passes; what looks like a card never does.
    """
    for index, name in enumerate(header):
        cells = [row[index].strip() for row in sample if index < len(row) and row[index].strip()]
        kind = _kind_by_header(name, fields) or _kind_by_cells(cells)
        if kind:
            raise FileReject("forbidden_data", column=name[:50] or str(index + 1), kind=kind)


def holds_card(text: str) -> bool:
    """Whether a card number stands in the text: right issuer, right length, right check digit."""
    if len(text) < CARD_DIGITS_MIN:
        return False
    return any(
        _ISSUERS.fullmatch(digits) and _passes_luhn(digits)
        for digits in (re.sub(r"[ -]", "", found) for found in _CARD_CELL.findall(text))
    )


def _kind_by_header(name: str, fields: LeadFields) -> str | None:
    if fields.find_by_header(name):
        return None
    text = fold(name)
    return next((kind for kind, words in _PATTERNS.items() if words.fullmatch(text)), None)


def _kind_by_cells(cells: Sequence[str]) -> str | None:
    if not cells:
        return None
    if sum(map(holds_card, cells)) >= CELLS_SHARE * len(cells):
        return CARD
    if sum(_SSN_CELL.fullmatch(cell) is not None for cell in cells) >= CELLS_SHARE * len(cells):
        return _IDENTITY
    return None


def _passes_luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0
