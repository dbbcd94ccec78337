"""Sets of places: built from columns, sliced by digits, joined, and asked by criteria."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.catalog.criteria import All, AnyOf, Between, In, Is, Not, matches
from exchange.core import bits
from exchange.market.segments import Form, Segment, Sliced, attribute, columns_to_sets, join

numbers = st.lists(st.none() | st.integers(0, 255), min_size=1, max_size=40)


@given(st.sets(st.integers(0, 99)))
def test_a_set_gives_its_members_back(members: set[int]) -> None:
    assert list(bits.each(bits.of(members, size=100))) == sorted(members)


@given(numbers, st.integers(-1, 300))
def test_slices_compare_as_numbers_do(column: list[int | None], value: int) -> None:
    filled = bits.of((n for n, one in enumerate(column) if one is not None), size=len(column))
    sliced = bits.slices(column, digits=8)
    known = [(n, one) for n, one in enumerate(column) if one is not None]
    at_least = bits.at_least(value, sliced, among=filled)
    assert list(bits.each(at_least)) == [n for n, one in known if one >= value]
    equal = bits.equal(value, sliced, among=filled)
    assert list(bits.each(equal)) == [n for n, one in known if one == value]
    if known:
        assert bits.largest(sliced, among=filled) == max(one for _, one in known)
        assert bits.smallest(sliced, among=filled) == min(one for _, one in known)


@given(st.lists(st.sets(st.integers(0, 30)), max_size=20))
def test_members_of_many_sets_are_counted(some: list[set[int]]) -> None:
    tally = bits.Tally()
    for one in some:
        tally.add(bits.of(one, size=31))
    assert tally.counts() == Counter(member for one in some for member in one)


LEADS = [
    {"project": "roof", "is_owner": True, "budget": 5_00, "area": 1.5, "built": "1999-05-01"},
    {"project": "solar", "is_owner": False, "budget": -7, "area": 0.000001, "note": "as ever"},
    {"is_owner": True, "budget": 10**15, "since": "2026-11-21T14:05:00Z"},
    {},
    {"project": "roof", "area": 12.25, "built": "2020-12-31", "since": "2026-01-01T00:00:00Z"},
    {"budget": 0, "note": "else"},
]  # fmt: skip
FORMS = {
    "project": Form.CHOICE, "is_owner": Form.CHOICE, "budget": Form.WHOLE, "area": Form.DECIMAL,
    "built": Form.DATE, "since": Form.MOMENT, "note": Form.TEXT,
}  # fmt: skip


def written(value: object) -> str | None:
    """A value as PostgreSQL writes one of JSON."""
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else f"{value:.6f}".rstrip("0").rstrip(".")


def segment(leads: list[dict[str, object]]) -> Segment:
    sets, sliced = {}, {}
    for name, form in FORMS.items():
        found = columns_to_sets(form, [written(lead.get(name)) for lead in leads])
        if isinstance(found, Sliced):
            sliced[name, form] = found
        else:
            sets[attribute(name)] = found
    return Segment(len(leads), sets, sliced)


ASKED = [
    Is("project", "roof"), Is("project", True), Is("is_owner", True), Is("budget", 0),
    Is("budget", 5_00.0), Is("area", 1.5), Is("note", "as ever"), Is("note", "as"),
    Is("built", "1999-05-01"), Is("since", "2026-01-01T00:00:00Z"), Is("none", "x"),
    In("project", ("roof", "solar")), In("budget", (-7, 10**15)),
    Between("budget", None, 0), Between("budget", -7, 499.5), Between("area", 0.0000005, 1.5),
    Between("built", "1999-05-02", None), Between("since", None, "2026-11-21T14:05:00Z"),
    Not(Is("project", "roof")), All(()), AnyOf(()),
    All((Is("project", "roof"), Not(AnyOf((Is("is_owner", True), Between("area", 20, None)))))),
]  # fmt: skip


@pytest.mark.parametrize("criteria", ASKED, ids=str)
def test_criteria_over_a_segment_answer_as_over_each_lead(criteria) -> None:
    random = Random(1)
    leads = [random.choice(LEADS) for _ in range(21)]
    shelf = join([segment(leads[:3]), segment(leads[3:])])
    places = [*range(3), *range(8, 8 + 18)]  # the second begins at a whole byte
    found = set(bits.each(shelf.fits(criteria))) & set(places)
    meets = {place for place, lead in zip(places, leads, strict=True) if matches(criteria, lead)}
    assert found == meets
