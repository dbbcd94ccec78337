"""Words that files use for nothing, yes, no, thousand and a currency, in four languages.

English, Russian, Spanish and Malay; everything is compared after `fold`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from exchange.core.money import Currency

_MARKS = re.compile("[\u0300-\u036f]+")
_NOT_WORD = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """The form in which words are compared: no case, accents, punctuation, and ё is е."""
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return _NOT_WORD.sub(" ", text.casefold()).strip()


# What stands in a cell that nobody filled in. Punctuation alone folds to the empty text.
EMPTY: Final = frozenset(
    fold(word)
    for word in (
        *("", "n/a", "na", "#n/a", "null", "(null)", "none", "nil", "nan", "undefined", "nat"),
        *("not available", "not specified", "not set", "unknown", "empty", "tbd"),
        *("н/д", "нд", "нет данных", "не указано", "не указан", "не указана", "неизвестно"),
        *("пусто", "не заполнено", "не задано"),
        *("n/d", "s/d", "sin datos", "no consta", "no especificado", "no indicado", "desconocido"),
        *("tiada maklumat", "tiada data", "tidak dinyatakan", "tidak diketahui"),
    )
)

EMPTY_LENGTH_MAX: Final = 24  # characters: room for some punctuation around the longest word

_YES = "yes y true 1 on да д истина есть sí s verdadero ya ada benar"
_NO = "no n false 0 off нет н ложь нету falso tidak tak tiada palsu"
YES: Final = frozenset(map(fold, _YES.split()))
NO: Final = frozenset(map(fold, _NO.split()))

# What may stand behind a number, and by how much it multiplies it.
MULTIPLIERS: Final[dict[str, int]] = {
    **dict.fromkeys(("k", "thousand", "тыс.", "тыс", "тысяч", "тысячи", "тысяча", "т.р."), 1_000),
    **dict.fromkeys(("т.р", "mil", "ribu", "rb"), 1_000),
    **dict.fromkeys(("m", "mm", "mn", "mln", "million", "млн", "млн.", "миллион"), 1_000_000),
    **dict.fromkeys(("миллиона", "миллионов", "millón", "millon", "millones"), 1_000_000),
    **dict.fromkeys(("juta", "jt"), 1_000_000),
}

CURRENCY_WORDS: Final[dict[Currency, tuple[str, ...]]] = {
    Currency.RUB: ("₽", "руб.", "руб", "рублей", "рубля", "рубль", "р.", "р", "rub", "rur"),
    Currency.EUR: ("€", "eur", "euro", "euros"),
    Currency.MYR: ("rm", "myr", "ringgit"),
    Currency.USD: ("$", "us$", "usd", "dollars", "dollar"),
}

# How files write a unit of measure, by the name the unit has in a field.
UNIT_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "%": ("%",),
    "hp": ("hp", "bhp", "л.с.", "л.с", "лс", "cv", "kuasa kuda"),
    "km": ("km", "км", "км."),
    "m2": ("m2", "m²", "м2", "м²", "кв.м", "кв.м.", "кв. м", "mp", "sqm"),
    "sqft": ("sqft", "sq ft", "sq. ft.", "ft2", "ft²"),
    "months": ("months", "month", "mo", "мес.", "мес", "месяцев", "месяца", "meses", "bulan"),
    "people": ("people", "employees", "чел.", "чел", "человек", "сотрудников", "personas"),
    "years": (
        *("years", "year", "yrs", "y.o.", "лет", "год", "года", "г."),
        *("años", "año", "anos", "tahun"),
    ),
}
