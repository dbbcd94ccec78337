"""Phones: what the pre-checks add to the library, and that the short cuts say the same as it."""

from random import Random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.leads.phone_kinds import kind_and_region
from exchange.leads.phones import PhoneProblem, is_fake, parse_phone

REGIONS = ("RU", "US", "ES", "MY")
LENGTHS = {"RU": (9, 10, 11), "US": (9, 10, 11), "ES": (8, 9, 11), "MY": (8, 9, 10, 11, 12)}


def library(text, region):
    """The library's own answer: number, type and region; None where it finds no valid number."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return e164, phonenumbers.region_code_for_number(number)


def ours(text, region):
    try:
        phone = parse_phone(text, region=region, demo=True)
    except PhoneProblem as problem:
        return problem.code
    return phone.e164, phone.region


def written(digits, style):
    """Digits as people write them."""
    return {
        0: digits,
        1: f"+{digits}",
        2: f"{digits[:3]} {digits[3:]}",
        3: f"({digits[:3]}) {digits[3:6]}-{digits[6:]}",
        4: f"+{digits[:1]} {digits[1:4]} {digits[4:7]}-{digits[7:]}",
        5: f"8{digits}",
        6: f"0{digits}",
    }[style]


@pytest.mark.parametrize("region", REGIONS)
def test_short_cuts_find_the_number_that_the_library_finds(region):
    random = Random(region)
    prefixes = {"RU": "7", "US": "1", "ES": "34", "MY": "60"}
    agreed = 0
    for _ in range(6_000):
        digits = "".join(random.choices("0123456789", k=random.choice(LENGTHS[region])))
        if random.random() < 0.5:
            digits = prefixes[region] + digits
        text = written(digits, random.randrange(7))
        theirs, found = library(text, region), ours(text, region)
        if isinstance(found, tuple):
            assert found == theirs, text
            agreed += 1
        elif theirs is not None:
            # What the library takes and we do not, we refuse by name.
            assert found in {"toll_free", "premium", "type", "two_numbers"}, text
    assert agreed > 100


def test_kinds_are_those_of_the_library():
    random = Random(7)
    seen = set()
    for _ in range(30_000):
        code = random.choice((1, 1, 7, 7, 34, 60, 44, 49, 33, 39, 61, 380, 800, 881))
        national = str(random.randrange(10**8, 10**10))
        number = phonenumbers.PhoneNumber(country_code=code, national_number=int(national))
        kind, region = kind_and_region(number, national)
        assert kind == phonenumbers.number_type(number)
        assert region == (phonenumbers.region_code_for_number(number) or "")
        seen.add(kind)
    assert len(seen) > 6


@given(st.text(max_size=60), st.sampled_from((*REGIONS, "")))
@settings(max_examples=400)
def test_any_text_is_a_number_or_refused_by_code(text, region):
    found = ours(text, region)
    assert isinstance(found, tuple) or found.islower()


@given(st.text("0123456789+-() .xEe/,'\u202e٤４", max_size=24), st.sampled_from(REGIONS))
@settings(max_examples=600)
def test_a_number_found_stays_the_same_when_it_is_read_again(text, region):
    found = ours(text, region)
    if isinstance(found, tuple):
        again = parse_phone(found[0], region=region, demo=True)
        assert (again.e164, again.region) == found
        assert again.notes == ()


@pytest.mark.parametrize(("text", "region", "found"), [
    ("tel:+14155552671", "US", ("+14155552671", ("label",))),
    ("тел. 8 (916) 123-45-67", "RU", ("+79161234567", ("label",))),
    ("8 916 123 45 67 доб. 12", "RU", ("+79161234567", ("extension",))),
    ("(+7) 916 123-45-67", "RU", ("+79161234567", ())),
    ("9161234567", "RU", ("+79161234567", ())),
    ("0034 600 123 123", "ES", ("+34600123123", ())),
    ("012-345 6780", "MY", ("+60123456780", ())),
    ("1.4155552671E10", "US", ("+14155552671", ("excel_float",))),
    ("＋７ ９１６ １２３ ４５ ６７", "RU", ("+79161234567", ("unicode_digits",))),
])  # fmt: skip
def test_ways_to_write_a_number(text, region, found):
    phone = parse_phone(text, region=region)
    assert (phone.e164, phone.notes) == found
    assert phone.reviews == ()


@pytest.mark.parametrize(("text", "region", "code"), [
    ("4155552671 Ivan", "US", "not_phone"), ("Ivan 4155552671", "US", "not_phone"),
    ("4155552671/72", "US", "two_numbers"), ("4155552671 or 4155552680", "US", "two_numbers"),
    ("1-415-FLOWERS", "US", "vanity"), ("+", "US", "not_phone"), ("", "US", "not_phone"),
    ("5552671", "US", "too_short"), ("+89161234567", "RU", "phone_invalid"),
    ("+44 7700 900123", "GB", "fictional"), ("9" * 1_000_000, "US", "too_long"),
    (" " * 300_000 + "x", "US", "not_phone"), ("7.9161234567E+9", "RU", "not_phone"),
    ("+1 900 555 1234", "RU", "premium"),
])  # fmt: skip
def test_what_is_no_number_of_a_person(text, region, code):
    with pytest.raises(PhoneProblem) as problem:
        parse_phone(text, region=region)
    assert problem.value.code == code
    assert len(str(problem.value)) < 30


def test_a_line_in_north_america_is_never_called_mobile():
    assert parse_phone("+14155552671", region="US").line == "fixed_or_mobile"
    assert parse_phone("+79161234567", region="RU").line == "mobile"


@pytest.mark.parametrize(("national", "fake"), [
    ("9999999999", True), ("1234567890", True), ("9876543210", True), ("9165555555", True),
    ("9161234567", False), ("4155552671", False),
])  # fmt: skip
def test_patterns_of_invented_numbers(national, fake):
    assert is_fake(national) is fake
