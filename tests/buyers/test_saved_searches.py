"""Searches that a buyer keeps: views of the market, and a notice of what is new, once a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from exchange.buyers.jobs import find_searches
from exchange.buyers.models import SavedSearch
from exchange.buyers.queries.searches import saved_searches
from exchange.core import clock
from exchange.core.db import unit_of_work
from exchange.leads.models import LeadKind
from exchange.notifications import queries as notices
from tests.buyers.conftest import Enter
from tests.buyers.support import keep, text_of, words_of
from tests.cast import Cast
from tests.doorbell import run_jobs
from tests.factories.catalog import make_vertical
from tests.factories.market import make_listing

US = "home_improvement_us"
QUERY = f"a.is_homeowner=yes&kind=shared&vertical={US}"


@pytest.fixture(autouse=True)
def vertical(cast: Cast) -> None:
    """What is searched in."""
    make_vertical()
    keep()


def kept(cast: Cast) -> list[SavedSearch]:
    return list(saved_searches(viewer=cast.buyer.organization.id))


def save(client: FlaskClient, *, name: str = "Owners", query: str = QUERY, notifies: bool = False):
    form = {"name": name, "query": query, **({"notifies": "1"} if notifies else {})}
    return client.post("/buyers/market/saved", data=form)


def told(cast: Cast) -> list[str]:
    found = notices.notices(viewer=cast.buyer.organization.id).items
    return [one.facts["name"] for one in found if one.kind == "saved_search.matched"]


def look_through() -> None:
    """What the scheduler and the worker do."""
    keep()
    with unit_of_work():
        find_searches()
    run_jobs()


def test_a_search_is_kept_and_becomes_a_view(buyer: FlaskClient, cast: Cast) -> None:
    make_listing(cast.seller, leads=3, kind=LeadKind.SHARED)
    page = text_of(buyer.get(f"/buyers/market?{QUERY}&cursor="))
    assert "/buyers/market/saved/new?a.is_homeowner=yes&amp;kind=shared" in page
    answer = save(buyer)
    assert answer.status_code == 303
    (search,) = kept(cast)
    assert search.query == QUERY
    assert "Owners" in words_of(buyer.get("/buyers/market"))
    assert "Delete this search" in words_of(buyer.get(f"/buyers/market?{QUERY}"))
    gone = buyer.post(f"/buyers/market/saved/{search.public_id}/delete")
    assert (gone.status_code, kept(cast)) == (303, [])


def test_the_same_name_takes_its_place(buyer: FlaskClient, cast: Cast) -> None:
    save(buyer)
    save(buyer, query="kind=exclusive")
    assert [one.query for one in kept(cast)] == ["kind=exclusive"]


@pytest.mark.parametrize(
    ("name", "query"), [("", QUERY), ("x" * 61, QUERY), ("Bad", f"vertical={US}&a.project=nothing")]
)
def test_what_cannot_be_kept_is_refused(
    buyer: FlaskClient, cast: Cast, name: str, query: str
) -> None:
    assert save(buyer, name=name, query=query).status_code == 422
    assert kept(cast) == []


def test_a_search_is_nobody_elses(buyer: FlaskClient, enter: Enter, cast: Cast) -> None:
    save(buyer)
    (search,) = kept(cast)
    other = enter(cast.other_buyer)
    assert other.post(f"/buyers/market/saved/{search.public_id}/delete").status_code == 404
    assert kept(cast) == [search]


def test_what_is_new_is_told_of_once_a_day(buyer: FlaskClient, cast: Cast) -> None:
    make_listing(cast.seller, leads=3, kind=LeadKind.SHARED)
    save(buyer, notifies=True)
    clock.advance(timedelta(minutes=1))
    look_through()
    assert told(cast) == []  # it was there when the search was kept
    make_listing(cast.other_seller, leads=3)
    look_through()
    assert told(cast) == []  # it is not shared
    for _ in range(2):
        clock.advance(timedelta(minutes=1))
        make_listing(cast.other_seller, leads=3, kind=LeadKind.SHARED, source="again")
        look_through()
    assert told(cast) == ["Owners"]
    link = f"/buyers/market?{QUERY}".replace("&", "&amp;")
    assert f'href="{link}"' in text_of(buyer.get("/notices"))
    clock.advance(timedelta(days=1))
    look_through()
    assert told(cast) == ["Owners", "Owners"]  # of the second of the two
    clock.advance(timedelta(days=1))
    look_through()
    assert len(told(cast)) == 2


def test_a_search_without_notice_is_quiet(buyer: FlaskClient, cast: Cast) -> None:
    save(buyer)
    clock.advance(timedelta(minutes=1))
    make_listing(cast.seller, leads=3, kind=LeadKind.SHARED)
    look_through()
    assert told(cast) == []
