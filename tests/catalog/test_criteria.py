"""Criteria: one tree, read from JSON, asked of a dict and asked of the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import cast, column, func, select
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH

from exchange.catalog.criteria import (
    EVERYTHING,
    All,
    AnyOf,
    Between,
    Criteria,
    In,
    Is,
    Not,
    condition_fields,
    from_json,
    matches,
    predicate,
    to_json,
    to_sql,
)
from exchange.catalog.fields import Choice, FieldSpec, FieldType, LeadFields
from exchange.catalog.jsonpaths import to_jsonpath
from exchange.core.db import db
from exchange.core.errors import Invalid

REGIONS = ("MOW", "SPE", "TA")
FIELDS = LeadFields(
    (
        FieldSpec("name", FieldType.NAME, {"en": "Name"}, contact=True),
        FieldSpec("phone", FieldType.PHONE, {"en": "Phone"}, contact=True),
        FieldSpec("channel", FieldType.TEXT, {"en": "Channel"}),
        FieldSpec(
            "region",
            FieldType.REGION,
            {"en": "Region"},
            choices=tuple(Choice(code, {"en": code}) for code in REGIONS),
        ),
        FieldSpec("age", FieldType.INTEGER, {"en": "Age"}),
        FieldSpec("value", FieldType.MONEY, {"en": "Value"}),
        FieldSpec("area", FieldType.DECIMAL, {"en": "Area"}),
        FieldSpec("owner", FieldType.BOOLEAN, {"en": "Owner"}),
        FieldSpec("ends_on", FieldType.DATE, {"en": "Ends on"}),
        FieldSpec("model", FieldType.TEXT, {"en": "Model"}),
    )
)
EXAMPLE = {
    "all": [
        {"field": "region", "in": ["MOW", "SPE"]},
        {"field": "age", "from": 25, "to": 60},
        {"not": {"field": "owner", "is": False}},
        {"any": [{"field": "area", "from": 40.5}, {"field": "ends_on", "to": "2026-12-31"}]},
    ]
}


class TestJson:
    def test_criteria_are_read_and_written_back(self):
        criteria = from_json(EXAMPLE, FIELDS)
        assert to_json(criteria) == EXAMPLE
        assert list(condition_fields(criteria)) == ["region", "age", "owner", "area", "ends_on"]

    def test_an_empty_object_accepts_every_lead(self):
        assert from_json({}, FIELDS) == EVERYTHING
        assert matches(EVERYTHING, {})

    @pytest.mark.parametrize(
        ("data", "pointer", "code"),
        [
            ([], "/", "not_an_object"),
            ({"either": []}, "/", "unknown_condition"),
            ({"all": [], "any": []}, "/", "unknown_condition"),
            ({"all": {}}, "/all", "not_a_list"),
            ({"all": [{"field": "phone", "is": "1"}]}, "/all/0/field", "unknown_field"),
            ({"field": "channel", "is": "sms"}, "/field", "unknown_field"),
            ({"field": "shoe_size", "is": 1}, "/field", "unknown_field"),
            ({"field": ["age"], "is": 1}, "/field", "unknown_field"),
            ({"field": "age"}, "/", "unknown_condition"),
            ({"field": "age", "is": 1, "from": 1}, "/", "unknown_condition"),
            ({"field": "age", "is": "1"}, "/is", "type_invalid"),
            ({"field": "age", "is": 1.5}, "/is", "type_invalid"),
            ({"field": "age", "is": True}, "/is", "type_invalid"),
            ({"field": "age", "is": None}, "/is", "type_invalid"),
            ({"field": "area", "is": float("nan")}, "/is", "type_invalid"),
            ({"field": "owner", "is": 1}, "/is", "type_invalid"),
            ({"field": "region", "is": "XX"}, "/is", "value_not_allowed"),
            ({"field": "region", "in": ["MOW", "XX"]}, "/in/1", "value_not_allowed"),
            ({"field": "region", "in": []}, "/in", "not_a_list"),
            ({"field": "region", "from": "MOW"}, "/", "no_range"),
            ({"field": "age", "from": None}, "/", "empty_range"),
            ({"field": "age", "from": 9, "to": 8}, "/", "empty_range"),
            ({"field": "ends_on", "from": "31.12.2026"}, "/from", "date_invalid"),
        ],
    )
    def test_what_does_not_fit_is_refused_with_its_pointer(self, data, pointer, code):
        with pytest.raises(Invalid) as caught:
            from_json(data, FIELDS)
        assert (pointer, code) in [(e.pointer, e.code) for e in caught.value.errors]

    def test_every_mistake_is_named_at_once(self):
        with pytest.raises(Invalid) as caught:
            from_json({"all": [{"field": "age", "is": "x"}, {"field": "name", "is": "y"}]}, FIELDS)
        assert [e.pointer for e in caught.value.errors] == ["/all/0/is", "/all/1/field"]

    def test_depth_and_number_are_limited(self):
        deep = {"field": "age", "is": 1}
        for _ in range(50):
            deep = {"not": deep}
        many = {"all": [{"field": "age", "is": 1}] * 101}
        for data, code in ((deep, "too_deep"), (many, "too_many")):
            with pytest.raises(Invalid) as caught:
                from_json(data, FIELDS)
            assert [e.code for e in caught.value.errors] == [code]


class TestMatches:
    @pytest.mark.parametrize(
        ("attributes", "answer"),
        [
            ({"region": "MOW", "age": 25, "owner": True, "area": 40.5}, True),
            ({"region": "MOW", "age": 60, "ends_on": "2026-12-31"}, True),
            ({"region": "TA", "age": 30, "area": 50}, False),
            ({"region": "MOW", "age": 61, "area": 50}, False),
            ({"region": "MOW", "age": 30, "owner": False, "area": 50}, False),
            ({"region": "MOW", "age": 30, "area": 40.4}, False),
            ({}, False),
        ],
    )
    def test_an_example(self, attributes, answer):
        assert predicate(from_json(EXAMPLE, FIELDS))(attributes) is answer

    def test_a_missing_attribute_meets_no_condition_and_every_negation(self):
        for part in (Is("age", 1), In("age", (1,)), Between("age", 1, 9)):
            assert not matches(part, {})
            assert matches(Not(part), {})

    def test_true_is_not_one(self):
        assert not matches(Is("age", 1), {"age": True})
        assert not matches(Between("age", 0, 1), {"age": True})


VALUES = {
    "region": st.sampled_from(REGIONS),
    "age": st.integers(17, 22),
    "value": st.integers(-2, 2).map(lambda n: n * 10**14 + 1),
    "area": st.sampled_from([0.0, 0.1, 0.3, 40.0, 40.5, 999999999.999999, -0.1]),
    "owner": st.booleans(),
    "ends_on": st.dates().map(lambda day: day.isoformat()),
    "model": st.sampled_from(["a", "B", "ё", "Ё", "я", "", "'; --", "\\", '"', "%"]),
}
RANGED = ("age", "value", "area", "ends_on")
# Leads of a former schema, or broken ones, hold other types in the same place.
ODD = st.sampled_from([None, True, 1, 1.0, "1", "x", [], [1], {"a": 1}, 18, "18"])


@st.composite
def conditions(draw) -> Criteria:
    kind = draw(st.sampled_from(["is", "in", "between"]))
    if kind == "between":
        name = draw(st.sampled_from(RANGED))
        low, high = (draw(st.none() | VALUES[name]) for _ in range(2))
        return Between(name, low, high) if (low, high) != (None, None) else EVERYTHING
    name = draw(st.sampled_from(sorted(VALUES)))
    if kind == "is":
        return Is(name, draw(VALUES[name]))
    return In(name, tuple(draw(st.lists(VALUES[name], min_size=1, max_size=3))))


CRITERIA = st.recursive(
    conditions(),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: All(tuple(parts)))
        | st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts)))
        | inner.map(Not)
    ),
    max_leaves=6,
)
LEAD = st.fixed_dictionaries({}, optional={name: s | ODD for name, s in VALUES.items()})


def answers_of(leads: list[dict[str, Any]], question: Callable[[Any], Any]) -> list[bool]:
    """What the database says of each lead, in their order."""
    array = func.jsonb_array_elements(cast(leads, JSONB))
    rows = array.table_valued(column("value", JSONB), with_ordinality="position").render_derived()
    asked = select(question(rows.c.value)).select_from(rows).order_by(rows.c.position)
    return list(db.session.scalars(asked))


class TestSql:
    @settings(
        deadline=None,
        max_examples=300,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(criteria=CRITERIA, leads=st.lists(LEAD, min_size=1, max_size=10))
    def test_the_database_answers_as_the_predicate(self, app: Flask, criteria, leads):
        answers = answers_of(leads, lambda column: to_sql(criteria, column))
        assert answers == [matches(criteria, lead) for lead in leads]

    @settings(
        deadline=None,
        max_examples=300,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(criteria=CRITERIA, leads=st.lists(LEAD, min_size=1, max_size=10))
    def test_a_path_that_a_row_holds_answers_as_the_predicate(self, app: Flask, criteria, leads):
        path = cast(to_jsonpath(criteria), JSONPATH)
        answers = answers_of(leads, lambda column: column.path_match(path))
        assert answers == [matches(criteria, lead) for lead in leads]
