"""Contracts and leads for properties: few values, so that they meet often."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from random import Random

from hypothesis import strategies as st

from exchange.catalog.criteria import All, AnyOf, Between, Criteria, In, Is, Not
from exchange.catalog.policies import QualityClass
from exchange.core.ids import uuid7
from exchange.leads.models import LeadKind
from exchange.market.contract_index import Entry
from exchange.market.contract_terms import Opening, Terms
from exchange.market.fitting import LeadFacts

NOW = datetime(2026, 7, 8, 15, 30, tzinfo=UTC)
REGIONS = ("US-OH", "US-TX", "US-CA")
CODES = ("43004", "43085", "")
SELLERS = ("org_06EQ8XH8T5JZB2M9YFQ2RQ7M2C", "org_06EQ8XH8T5JZB2M9YFQ2RQ7M2D", "no id")
SOURCES = ("src_06EQ8XH8T5JZB2M9YFQ2RQ7M2C", "src_06EQ8XH8T5JZB2M9YFQ2RQ7M2D")
VALUES = (1, 2, 2.5, 3, 0, True, False, "1", "a", "b", "ä", "Z")
FIELDS = ("one", "two", "three")

values = st.sampled_from(VALUES)
fields = st.sampled_from(FIELDS)
numbers = st.sampled_from([v for v in VALUES if not isinstance(v, bool | str)])
texts = st.sampled_from([v for v in VALUES if isinstance(v, str)])


def subsets(some: tuple) -> st.SearchStrategy[tuple]:
    return st.lists(st.sampled_from(some), unique=True, max_size=len(some)).map(tuple)


@st.composite
def ranges(draw: st.DrawFn) -> Criteria:
    kind = draw(st.sampled_from((numbers, texts)))
    ends = draw(st.tuples(st.none() | kind, st.none() | kind).filter(any_given))
    return Between(draw(fields), *ends)


def any_given(ends: tuple) -> bool:
    return ends != (None, None)


plain = (
    st.builds(Is, fields, values)
    | st.builds(In, fields, st.lists(values, max_size=3).map(tuple))
    | ranges()
)
trees = st.recursive(
    plain,
    lambda inner: (
        st.builds(All, st.lists(inner, max_size=4).map(tuple))
        | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=8,
)
conjunctions = st.builds(All, st.lists(plain, max_size=4).map(tuple))
openings = st.builds(
    Opening,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.sampled_from((time(), time(12), time(16))),
    st.sampled_from((time(), time(16))),
    st.none() | st.sampled_from((10, 30)),
)
terms = st.builds(
    Terms,
    time_zone=st.sampled_from(("UTC", "America/New_York")),
    criteria=conjunctions | trees,
    regions=subsets(REGIONS),
    postal_codes=subsets(CODES),
    kinds=subsets(tuple(LeadKind)),
    quality_classes=subsets(tuple(QualityClass)),
    age_hours_max=st.none() | st.integers(1, 4),
    bad_upper_max_bps=st.none() | st.sampled_from((800, 1_000, 10_000)),
    checked_only=st.booleans(),
    sellers_only=st.just(()) | subsets(SELLERS),
    sellers_never=subsets(SELLERS),
    sources_never=subsets(SOURCES),
    schedule=st.lists(openings, max_size=2).map(tuple),
)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    return Entry(
        id=uuid7(),
        buyer_id=uuid7(),
        version=1,
        price=draw(st.sampled_from((10, 20, 30))),
        ranked_at=NOW - timedelta(seconds=draw(st.integers(0, 3))),
        terms=draw(terms),
    )


def facts(random: Random) -> LeadFacts:
    """A lead of the same few values."""
    said = {name: random.choice(VALUES) for name in FIELDS if random.random() < 0.8}
    return LeadFacts(
        attributes=said,
        kind=random.choice(list(LeadKind)),
        region=random.choice(REGIONS),
        postal_code=random.choice(CODES),
        quality_class=random.choice(list(QualityClass)),
        requested_at=NOW - timedelta(minutes=30 * random.randrange(10)),
        bad_upper=random.choice((0.08, 0.1, 1.0)),
        is_checked=random.random() < 0.5,
        seller=random.choice(SELLERS),
        source=random.choice(SOURCES),
        price_min=random.choice((10, 20, 30)),
    )
