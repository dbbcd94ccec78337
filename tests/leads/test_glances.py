"""Glances and blocks: what is read at a glance is what the rule says, in company as alone."""

from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exchange.catalog.fields import FieldSpec, FieldType
from exchange.catalog.values import ParseContext
from exchange.catalog.words import EMPTY
from exchange.core.money import Currency
from exchange.leads import texts
from exchange.leads.cells import PROBLEMS, Reading, cell_reader
from exchange.leads.checking import Checker, Rules
from exchange.leads.emails import ROLES
from exchange.leads.plain import glance_at
from exchange.leads.reading import Row
from exchange.leads.samples import NAMES
from tests.leads.intake_case import GOOD, NOW, definition

REGIONS = ("", "RU", "US", "ES", "MY", "GB")
CONTEXTS = [ParseContext(country, Currency.USD) for country in ("", "US", "RU", "ES", "MY")]
PHONE = FieldSpec("phone", FieldType.PHONE, {"en": "x"}, contact=True)
EMAIL = FieldSpec("email", FieldType.EMAIL, {"en": "x"}, contact=True)
NAME = FieldSpec("name", FieldType.NAME, {"en": "x"}, contact=True, max=30)
MOMENT = FieldSpec("requested_at", FieldType.DATETIME, {"en": "x"})
CODE = FieldSpec("postal_code", FieldType.POSTAL_CODE, {"en": "x"})
NUMBERS = [
    FieldSpec("x", kind, {"en": "x"}, min=low, max=high)
    for kind in (FieldType.INTEGER, FieldType.DECIMAL, FieldType.MONEY)
    for low, high in ((None, None), (5, 70_000))
]

# Words that make names odd, and signs that only look like letters.
WORDS = sorted({
    *(word for part in NAMES.values() for words in part for word in " ".join(words).split()),
    *(word for word in (*texts._FAKE_WORDS, *texts._FAKE_NAMES, *EMPTY)),
    *("qwerty", "aaa", "Aa", "asd", "ÐÐ²Ð°Ð½", "РРІР°РЅ", "Ñš", "é", "e\u0301", "Иван-Пётр", "O'Brien"),
    *("=1+1", "X Æ A-12", "Ⅷ", "ª", "ʼa", "日本", "ﬁ", "ß", "İ", "a\u200db", "1", "", "-", "na", "de"),
})  # fmt: skip


def says(spec, text, *, context=CONTEXTS[0], region=""):
    """What the rule in full says of a cell."""
    try:
        return cell_reader(spec, context, phone_region=region, demo=False).read(text)
    except PROBLEMS as problem:
        return Reading(None, error=problem.code)


def agrees(spec, text, *, context=CONTEXTS[0], region=""):
    """Whether a glance gave a value, which then is all that the rule says."""
    glance = glance_at(spec, context, phone_region=region)
    value = glance(text) if glance and text else None
    if value is None:
        return False
    found = says(spec, text, context=context, region=region)
    key = value if spec is EMAIL else ""
    assert found == Reading(value, key=key), (text, region)
    assert type(found.value) is type(value)
    return True


def digits_of(random):
    """Digits near those of phones: prefixes of plans and odd kinds, runs, and any others."""
    begins = ("1", "7", "34", "60", "", "44", "8", "0", "1614", "7916", "7800", "1800", "1900")
    ends = ("", "5551212", "5550100", "1111111", "1234567", "7654321", "0123456")
    end = random.choice(ends) if random.random() < 0.2 else ""
    middle = "".join(random.choices("0123456789", k=random.randrange(5, 12) - len(end)))
    return random.choice(begins) + middle + end


def styled(digits, random):
    """Digits with the signs that people and programs put around and between them."""
    signs = random.choice(("", "", "", " ", "-", " ()-", ".", "x,", "\u00a0", "٣"))
    text = "".join(
        d + (random.choice(signs) if signs and random.random() < 0.2 else "") for d in digits
    )
    return random.choice(("+", "+", "", "(", "(+", " +", "00", "'+")) + text


@pytest.mark.parametrize("region", REGIONS)
def test_phones(region):
    random, plain = Random(region), 0
    for _ in range(20_000):
        plain += agrees(PHONE, styled(digits_of(random), random), region=region)
    assert plain > 10 or region == "GB"


@given(st.text("0123456789+-() .\u0663e", max_size=26), st.sampled_from(REGIONS))
@example("+16145551212", "US")
@example("+1614555012\u0663", "")
@example("+1 614 212 3456 7916 123", "US")
@settings(max_examples=500)
def test_any_text_as_a_phone(text, region):
    agrees(PHONE, text, region=region)


@given(
    st.emails()
    | st.from_regex(r"[a-zA-Z0-9._+'-]{1,70}@[a-z0-9.-]{1,40}\.[a-z]{2,5}", fullmatch=True)
)
@example("ann.lee@gmail.com")
@example("annlee@gmail.com")
@example("ann@googlemail.com")
@example("ann@mailinator.com")
@example("ann@sub.mailinator.com")
@example("ann@xn--80ak6aa92e.com")
@settings(max_examples=500)
def test_emails(text):
    agrees(EMAIL, text)


def test_usual_emails_are_plain_and_roles_are_not():
    assert agrees(EMAIL, "ann.lee@example.com")
    assert agrees(EMAIL, "annlee@gmail.com")
    assert not any(agrees(EMAIL, f"{role}@example.com") for role in ROLES)


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=4))
@example(["John", "Doe"])
@example(["Mickey", "mouse"])
@example(["not", "available"])
@example(["q", "we", "rty"])
@settings(max_examples=1_500)
def test_names(words):
    agrees(NAME, " ".join(words))


def test_usual_names_are_plain():
    plain = [agrees(NAME, f"{first} {last}") for part in NAMES.values()
             for first in part[0] for last in part[1]]  # fmt: skip
    assert sum(plain) > 0.8 * len(plain)


@given(st.from_regex(r"[12]\d{3}-[01]\d-[0-3]\d[T ][0-2]\d:[0-6]\d:[0-6]\d(Z|z|\+03:00|)", fullmatch=True)
       | st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")))  # fmt: skip
@example("2026-02-28T23:59:60Z")
@example("2026-02-31T10:00:00Z")
@settings(max_examples=500)
def test_times(text):
    for _ in range(2):  # the second time from memory
        agrees(MOMENT, text)


@given(st.sampled_from((*NUMBERS, CODE)), st.sampled_from(CONTEXTS),
       st.from_regex(r"[0-9]{1,12}|[0-9\u0660-\u0669²]{1,8}|[A-Z0-9 .,-]{1,9}", fullmatch=True))  # fmt: skip
@settings(max_examples=1_000)
def test_numbers_and_postal_codes(spec, context, text):
    agrees(spec, text, context=context)


CELLS = st.sampled_from(["", "Ann Lee", "test", "+14155552671", "12345", "+14155552671 x12", "a@b.com",
                         "2026-11-21T10:00:00Z", "2027-01-01T00:00:00Z", "17", "=1", "N/A"])  # fmt: skip


@given(st.lists(st.lists(CELLS, min_size=8, max_size=8) | st.none(), min_size=1, max_size=12))
@settings(max_examples=150)
def test_a_row_is_the_same_in_a_block_and_alone(rows):
    columns = {name: index for index, name in enumerate(definition().fields.by_name)}
    width = len(columns)
    checker = Checker(Rules.of(definition(), now=NOW), columns=columns)
    block = [
        Row(n, n + 1, [], "columns") if cells is None else Row(n, n + 1, (cells * width)[:width])
        for n, cells in enumerate(rows, 1)
    ]
    alone = [Checker(Rules.of(definition(), now=NOW), columns=columns).check(row) for row in block]
    assert list(checker.check_all(block).rows()) == alone


def test_nothing_personal_is_remembered_beyond_its_block():
    checker = Checker(Rules.of(definition(), now=NOW), columns={"name": 0, "phone": 1, "email": 2})
    for phone in (GOOD["phone"], "+14155552672"):
        checker.check_all([Row(1, 2, ["Ann Lee", phone, "Ann@Example.com"])])
    kept = {text for column in checker._columns for text in (*column._values, *column._odd)}
    assert GOOD["phone"] not in kept
