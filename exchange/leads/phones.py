"""One cell to one phone number in E.164, or the reason why it is none.

The library mends garbage into numbers of strangers, so all that it would mend is refused or noted
before it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

from exchange.leads.phone_kinds import kind_and_region, main_region
from exchange.leads.phone_text import PhoneProblem, read_text

__all__ = ["Phone", "PhoneProblem", "parse_phone"]


class Phone(NamedTuple):
    """A number that may belong to a person. `reviews` are codes that a person must look at."""

    e164: str
    region: str  # ISO 3166-1 alpha-2 of the number
    line: str  # mobile, fixed, fixed_or_mobile (cannot be told), voip
    extension: str = ""
    notes: tuple[str, ...] = ()
    reviews: tuple[str, ...] = ()


_LINES: Final = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
    PhoneNumberType.VOIP: "voip",
}
_REFUSED_TYPES: Final = {
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
}
# By country code. The library calls unassigned toll-free numbers "unknown"; these prefixes are
# never a person's, assigned or not.
_REFUSED_PREFIXES: Final = {
    1: {
        **dict.fromkeys(("800", "822", "833", "844", "855", "866", "877", "888"), "toll_free"),
        "900": "premium",
    },
    7: {"800": "toll_free", "804": "toll_free", "803": "premium", "809": "premium"},
}
# Ranges kept for films and examples: NANPA 555-0100 to 0199, Ofcom and Arcep (numbers for use in
# drama), ACMA (numbers for use in media).
_FICTIONAL: Final = {
    1: re.compile(r"\d{3}55501\d\d"),
    33: re.compile(r"(?:19900|26191|35301|46571|53649|63998)\d{4}"),
    44: re.compile(
        r"(?:7700900|2079460|1632960|1914980|8081570|(?:11[3-8]|1[2-6]1)4960)\d{3}",
    ),
    61: re.compile(r"491570(?:006|110|15[6-9]|313|737)|[2378](?:5550|7010)\d{4}"),
}
_UP: Final = "0123456789" * 3
_DOWN: Final = _UP[::-1]
# Every seven digits with which a fake number can end.
_FAKE_ENDS: Final = frozenset(
    run[start : start + 7]
    for run in (_UP, _DOWN, *(digit * 7 for digit in "0123456789"))
    for start in range(len(run) - 6)
)
_DIRECTORY_ASSISTANCE: Final = "5551212"


class _Form(NamedTuple):
    """How numbers of a region are written in full and at home, the national number in a group."""

    code: int
    region: str
    international: re.Pattern[str]
    national: re.Pattern[str]


# These need no parsing: country code and national number are those that the library would find.
# The equality is a test.
_PLAIN_FORMS: Final = (
    _Form(7, "RU", re.compile(r"\+7([3489]\d{9})"), re.compile(r"[78]?([349]\d{9})")),
    _Form(1, "US", re.compile(r"\+1([2-9]\d{9})"), re.compile(r"1?([2-9]\d{9})")),
    _Form(34, "ES", re.compile(r"\+34([5-9]\d{8})"), re.compile(r"([5-9]\d{8})")),
    _Form(60, "MY", re.compile(r"\+60(1\d{8,9})"), re.compile(r"0(1\d{8,9})")),
)
WRITTEN_MAX: Final = 24  # characters of a number with its usual signs
_SIGNS: Final = dict.fromkeys(map(ord, " ()-"))
_BEGINNINGS: Final = frozenset("+(0123456789")


def parse_phone(raw: str, *, region: str, demo: bool = False) -> Phone:
    """The number of a cell; `region` is where numbers without a country code are from.

    Numbers kept for films and examples pass for `demo` only. Raises PhoneProblem.
    """
    text = read_text(raw)
    number = _plain_number(text.number, region) or _library_number(text.number, region)
    national = phonenumbers.national_significant_number(number)
    e164 = f"+{number.country_code}{national}"
    if _is_fictional(number, national, demo=demo):
        return Phone(e164, region, "fixed_or_mobile", text.extension, text.notes, text.reviews)
    line, home = _line_and_region(number, national)
    reviews = text.reviews
    if is_fake(national):
        reviews = (*reviews, "fake_pattern")
    if region and home != region:
        reviews = (*reviews, "country_mismatch")
    return Phone(e164, home, line, text.extension, text.notes, reviews)


def plain_phones(region: str) -> Callable[[str], str | None] | None:
    """Gives in E.164 the numbers about which nothing is odd, and None for all others.

    It knows the numbers of the `region` in all their usual forms; without one, those of several
    countries in E.164. None for other regions. What it gives is what `parse_phone` gives; that is
    a test.
    """
    forms = [form for form in _PLAIN_FORMS if region in {"", form.region}]
    if not forms:
        return None
    matches = re.compile("|".join(map(_ordinary, forms)), re.ASCII).fullmatch
    written = partial(_in_full, form=forms[0] if region else None)

    def plain(text: str) -> str | None:
        if not matches(text):
            text = written(text)
            if not matches(text):
                return None
        return None if text[-7:] in _FAKE_ENDS else text

    return plain


def _in_full(text: str, *, form: _Form | None) -> str:
    """A number without the signs between its digits, in E.164 where the form is known."""
    if len(text) > WRITTEN_MAX or text[:1] not in _BEGINNINGS or "+" in text[1:]:
        return ""
    digits = text.translate(_SIGNS)
    found = form and form.national.fullmatch(digits)
    return f"+{form.code}{found[1]}" if form and found else digits


def _ordinary(form: _Form) -> str:
    """The pattern of fixed and mobile numbers in E.164, without those refused or kept for films."""
    main = main_region(form.code)
    fictional = _FICTIONAL.get(form.code)
    odd = [*_REFUSED_PREFIXES.get(form.code, ()), rf"\d*{_DIRECTORY_ASSISTANCE}\Z"]
    odd += [rf"(?:{fictional.pattern})\Z"] if fictional else []
    return rf"\+{form.code}(?!{'|'.join(odd)}){main.ordinary}" if main else "(?!)"


def is_fake(national: str) -> bool:
    """Whether the digits are all the same, go up or down by one, or end in seven of a kind."""
    return len(set(national[-7:])) == 1 or national in _UP or national in _DOWN


def _plain_number(text: str, region: str) -> PhoneNumber | None:
    for code, home, international, national in _PLAIN_FORMS:
        found = international.fullmatch(text) or (region == home and national.fullmatch(text))
        if found:
            return PhoneNumber(country_code=code, national_number=int(found[1]))
    return None


_PARSE_CODES: Final = {
    NumberParseException.INVALID_COUNTRY_CODE: "phone_invalid",
    NumberParseException.NOT_A_NUMBER: "not_phone",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
    NumberParseException.TOO_SHORT_NSN: "too_short",
    NumberParseException.TOO_LONG: "too_long",
}
_LENGTH_CODES: Final = {
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "too_short",
    ValidationResult.TOO_LONG: "too_long",
}


def _library_number(text: str, region: str) -> PhoneNumber:
    try:
        return phonenumbers.parse(text, region or None)
    except NumberParseException as error:
        # Not chained: the library's message may repeat the text.
        raise PhoneProblem(_PARSE_CODES[error.error_type]) from None


def _is_fictional(number: PhoneNumber, national: str, *, demo: bool) -> bool:
    pattern = _FICTIONAL.get(number.country_code or 0)
    if pattern is None or not pattern.fullmatch(national):
        return False
    if not demo:
        raise PhoneProblem("fictional")
    return True


def _line_and_region(number: PhoneNumber, national: str) -> tuple[str, str]:
    """What kind of line it is and where. Raises PhoneProblem where it is no line of a person."""
    if number.country_code == 1 and national.endswith(_DIRECTORY_ASSISTANCE):
        raise PhoneProblem("type")
    if code := _REFUSED_PREFIXES.get(number.country_code or 0, {}).get(national[:3]):
        raise PhoneProblem(code)
    kind, region = kind_and_region(number, national)
    if kind == PhoneNumberType.UNKNOWN:
        raise PhoneProblem("fake_pattern" if is_fake(national) else _invalid_code(number))
    if kind not in _LINES:
        raise PhoneProblem(_REFUSED_TYPES.get(kind, "type"))
    return _LINES[kind], region


def _invalid_code(number: PhoneNumber) -> str:
    length = phonenumbers.is_possible_number_with_reason(number)
    return _LENGTH_CODES.get(length, "phone_invalid")
