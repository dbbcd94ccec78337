"""The public order in which leads are taken, and one person once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from exchange.market.matching import Candidate, in_order, pick

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def candidate(number: int, *, minutes: int = 0, people: tuple[int, ...] = ()) -> Candidate:
    person = frozenset(bytes([p]) for p in people)
    return Candidate(UUID(int=number), NOON - timedelta(minutes=minutes), person)


def ids(*numbers: int) -> list[UUID]:
    return [UUID(int=number) for number in numbers]


def test_the_freshest_comes_first():
    lot = [candidate(1, minutes=30), candidate(2, minutes=5), candidate(3, minutes=90)]
    assert pick(lot, 2) == ids(2, 1)


def test_of_one_moment_the_last_taken_in_comes_first():
    assert pick([candidate(1), candidate(3), candidate(2)], 3) == ids(3, 2, 1)


def test_one_person_is_picked_once_by_either_index():
    lot = [
        candidate(4, minutes=1, people=(1, 2)),
        candidate(3, minutes=2, people=(2, 9)),
        candidate(2, minutes=3, people=(8, 1)),
        candidate(1, minutes=4, people=(7,)),
    ]
    assert pick(lot, 4) == ids(4, 1)


def test_people_without_an_index_are_not_taken_for_one():
    assert pick([candidate(1), candidate(2)], 2) == ids(2, 1)


lots = st.lists(
    st.builds(
        candidate,
        st.integers(0, 10_000),
        minutes=st.integers(0, 3),
        people=st.lists(st.integers(0, 12), max_size=2).map(tuple),
    ),
    unique_by=lambda c: c.lead_id,
    max_size=25,
)


@given(lots, st.integers(0, 30))
def test_what_is_picked_is_in_order_unique_and_complete(lot, quantity):
    picked = pick(lot, quantity)
    order = [c.lead_id for c in in_order(lot)]
    assert picked == [one for one in order if one in set(picked)]
    assert len(picked) <= quantity
    by_id = {c.lead_id: c for c in lot}
    people = [value for one in picked for value in by_id[one].person]
    assert len(people) == len(set(people))
    if len(picked) < quantity:  # nobody was left out who could have come along
        taken = set(people)
        assert all(not taken.isdisjoint(c.person) for c in lot if c.lead_id not in picked)


@given(lots, st.integers(0, 30), st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(lot, quantity, random):
    shuffled = list(lot)
    random.shuffle(shuffled)
    assert pick(shuffled, quantity) == pick(lot, quantity)
