"""The index over criteria answers as the plain predicate does, whatever is asked and changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.market import crowd
from exchange.market import contract_index, contract_maps
from exchange.market.contract_index import ContractIndex, Entry, rank
from exchange.market.contract_terms import ActionTerms
from exchange.market.fitting import LeadFacts, fits
from tests.market.asking import NOW, entries, facts


def named(index: ContractIndex, lead: LeadFacts) -> list[Entry]:
    """All that fit, as sets and by their names."""
    found = index.all_fitting(lead, NOW)
    every = [index.entries[key] for key in found]
    assert len(found) == len(every)
    return every


def plainly(some: list[Entry], lead: LeadFacts) -> list[Entry]:
    """By the plain predicate, in the order of the ranking."""
    fitting = [e for e in some if fits(e.terms, lead, price=e.price_at(NOW), now=NOW)]
    return sorted(fitting, key=lambda entry: rank(entry, price=entry.price_at(NOW)))


@settings(max_examples=150, deadline=None)
@given(st.lists(entries(), max_size=12), st.integers(0, 2**32))
def test_the_index_is_the_predicate(some, seed):
    index, random = ContractIndex(some), Random(seed)
    for lead in (facts(random) for _ in range(12)):
        assert named(index, lead) == plainly(some, lead)
        assert next(index.fitting(lead, NOW), None) == next(iter(plainly(some, lead)), None)


@settings(max_examples=60, deadline=None)
@given(st.lists(entries(), min_size=1, max_size=8), st.lists(entries(), max_size=8), st.data())
def test_changes_are_seen_and_removed_contracts_are_gone(first, later, data):
    index, now = ContractIndex(first), {entry.id: entry for entry in first}
    for drawn in later:
        changed = data.draw(st.sampled_from(first))
        fresh = replace(drawn, id=changed.id) if data.draw(st.booleans()) else drawn
        gone = data.draw(st.sampled_from(first)).id
        index.update([fresh], removed={gone} - {fresh.id})
        now = {key: entry for key, entry in now.items() if key != gone} | {fresh.id: fresh}
        random = Random(7)
        for lead in (facts(random) for _ in range(6)):
            assert named(index, lead) == plainly(list(now.values()), lead)
        assert len(index) == len(now)


@settings(max_examples=60, deadline=None)
@given(st.lists(entries(), min_size=1, max_size=12), st.lists(entries(), max_size=4), st.data())
def test_sets_are_named_by_rank_split_by_price_and_counted(first, later, data):
    paying = [
        replace(one, terms=replace(one.terms, action=ActionTerms("sale")))
        for one in data.draw(st.lists(st.sampled_from(first), unique_by=lambda one: one.id))
    ]
    now = {one.id: one for one in (*first, *paying, *later)}
    index, random, counted, met = ContractIndex([*first, *paying]), Random(7), [], Counter[UUID]()
    index.update(later)
    for lead in (facts(random) for _ in range(8)):
        anything = replace(lead, price_min=0)
        sides = index.all_fitting(anything, NOW).split(lead.price_min)
        expected = sorted(plainly(list(now.values()), anything), key=lambda one: one.is_per_action)
        is_paid = [one.price_at(NOW) >= lead.price_min for one in expected]
        for side, wanted in zip(sides, (True, False), strict=True):
            ids = [one.id for one, paid in zip(expected, is_paid, strict=True) if paid is wanted]
            assert (list(side), len(side)) == (ids, len(ids))
            counted.append(side)
            met.update(ids)
    assert contract_index.tally([*counted, [first[0].id]]) == met + Counter([first[0].id])


def test_a_crowd_in_many_segments_with_more_ends_than_are_kept(monkeypatch):
    monkeypatch.setattr(contract_index, "FIRST_SEGMENT", 32)
    monkeypatch.setattr(contract_maps, "ENDS_MAX", 5)
    some, random = crowd.entries(400, seed=3, now=NOW), Random(4)
    index = ContractIndex(some)
    leads = [crowd.lead_facts(random, now=NOW) for _ in range(60)]
    assert sum(len(named(index, lead)) for lead in leads) > 100
    for lead in leads:
        assert named(index, lead) == plainly(some, lead)


def test_many_changes_rebuild_the_index_without_losing_any():
    some, random = crowd.entries(500, seed=3, now=NOW), Random(4)
    index, now = ContractIndex(some), {entry.id: entry for entry in some}
    for entry in random.sample(some, 300):
        now[entry.id] = replace(entry, price=entry.price + 100, version=2)
        index.update([now[entry.id]])
    leads = [crowd.lead_facts(random, now=NOW) for _ in range(40)]
    for lead in leads:
        assert named(index, lead) == plainly(list(now.values()), lead)


def test_whoever_goes_on_as_before_stands_where_it_stood(monkeypatch):
    """A buyer who pauses and resumes a thousand contracts has nobody's index made anew."""
    some = crowd.entries(200, seed=6, now=NOW)
    index = ContractIndex(some)
    monkeypatch.setattr(contract_index._Ranked, "of", only_small(contract_index._Ranked.of))
    for entry in some:
        index.update(removed={entry.id})
        assert entry.id not in index
        index.update([replace(entry)])
    lead = crowd.lead_facts(Random(9), now=NOW)
    assert named(index, lead) == plainly(some, lead)


def only_small(make):
    """The maker of indexes, for a few contracts at most."""

    def made(entries):
        few = list(entries)
        assert len(few) <= 1
        return make(few)

    return made


def test_a_question_under_way_does_not_see_a_change():
    some, random = crowd.entries(300, seed=3, now=NOW), Random(4)
    index = ContractIndex(some)
    lead = next(
        lead
        for lead in (crowd.lead_facts(random, now=NOW) for _ in range(99))
        if len(named(index, lead)) > 2
    )
    expected, found = named(index, lead), index.fitting(lead, NOW)
    seen = [next(found)]
    index.update(removed={entry.id for entry in expected})
    assert [*seen, *found] == expected
    assert named(index, lead) == []
