"""One cell to one phone number in E.164, or the reason why it is none.

The library mends garbage into numbers of strangers, so all that it would mend is refused or noted
before it is asked.
"""

from __future__ import annotations

import re
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
_INTERNATIONAL: Final = re.compile(r"\+(1|7|34|60)([2-9]\d{8,9}|1\d{8,9})", re.ASCII)
_UP: Final = "0123456789" * 3
_DOWN: Final = _UP[::-1]
_DIRECTORY_ASSISTANCE: Final = "5551212"

# Numbers of these regions that are written in full need no parsing: country code and the national
# number that the library would find. The equality is a test.
_PLAIN_FORMS: Final = (
    (7, "RU", re.compile(r"\+7([3489]\d{9})"), re.compile(r"[78]?([349]\d{9})")),
    (1, "US", re.compile(r"\+1([2-9]\d{9})"), re.compile(r"1?([2-9]\d{9})")),
    (34, "ES", re.compile(r"\+34([5-9]\d{8})"), re.compile(r"([5-9]\d{8})")),
    (60, "MY", re.compile(r"\+60(1\d{8,9})"), re.compile(r"0(1\d{8,9})")),
)


def parse_phone(raw: str, *, region: str, demo: bool = False) -> Phone:
    """The number of a cell; `region` is where numbers without a country code are from.

    Numbers kept for films and examples pass for `demo` only. Raises PhoneProblem.
    """
    if plain := _ordinary(raw, region):
        return plain
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


def _ordinary(raw: str, region: str) -> Phone | None:
    """A number in E.164 about which nothing is odd: most of a clean file, in a tenth of the time.

    None for all others. What it says is what the long way says; that is a test.
    """
    found = _INTERNATIONAL.fullmatch(raw)
    if found is None:
        return None
    code, national = int(found[1]), found[2]
    main = main_region(code)
    kind = main.ordinary(national) if main else PhoneNumberType.UNKNOWN
    if kind == PhoneNumberType.UNKNOWN or is_fake(national) or _is_odd(code, national):
        return None
    home = main.region if main else ""
    reviews = ("country_mismatch",) if region and home != region else ()
    return Phone(raw, home, _LINES[kind], "", (), reviews)


def _is_odd(code: int, national: str) -> bool:
    fictional = _FICTIONAL.get(code)
    return (
        national[:3] in _REFUSED_PREFIXES.get(code, ())
        or national.endswith(_DIRECTORY_ASSISTANCE)
        or (fictional is not None and fictional.fullmatch(national) is not None)
    )


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
