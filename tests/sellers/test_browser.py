"""The seller's side of the market in a browser: the preview follows the form, and all can use it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from exchange.core.db import unit_of_work
from exchange.core.invariants import violations
from exchange.leads.models import LeadKind
from exchange.market.models import Listing
from exchange.market.services import matches, pings
from tests.conftest import worker_number
from tests.factories.billing import fund_wallet
from tests.factories.contracts import make_contract
from tests.factories.leads import make_person
from tests.factories.market import make_listing
from tests.factories.offers import make_offer
from tests.factories.pings import lead_of, make_ping
from tests.factories.pings import post as post_for_ping
from tests.factories.posts import make_body, make_terms, post
from tests.journeys.stage import Stage, open_stage
from tests.rights.test_browser import fits

PRICE = 45_00

pytestmark = [pytest.mark.browser, pytest.mark.commits]


@pytest.fixture(scope="module")
def stage(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One house for these tests."""
    with open_stage(worker_number(worker_id), tmp_path_factory.mktemp("house")) as stage:
        yield stage
        with stage.tables():
            assert violations() == []


@pytest.fixture(scope="module")
def scene(stage: Stage) -> dict[str, str]:
    """Addresses of a seller whose leads met contracts, were pinged and posted."""
    cast = stage.cast
    with unit_of_work():
        for player in (cast.buyer, cast.other_buyer):
            fund_wallet(player)
        listing = make_listing(
            cast.seller, leads=12, price=PRICE, kind=LeadKind.SHARED, sales_max=3
        )
        for player in (cast.buyer, cast.other_buyer, cast.newcomer):
            make_contract(player, price=PRICE - 1)
        make_contract(cast.buyer, price=PRICE)
        matches.match_listing(listing_id=listing.id)
        terms = make_terms(cast.seller, source="pinged", trusted=True)
        pings.ask(terms_id=terms.id, sent=make_ping(source="pinged"))
        person = make_person()
        sent = make_ping(person, source="pinged")
        answered = pings.ask(terms_id=terms.id, sent=sent)
        post_for_ping(cast.seller, answered, lead_of(sent, person))
        sold = post(cast.seller, terms).post
        refused = post(cast.seller, terms, make_body({"name": "T", "phone": "12345"})).post
        offer = make_offer(cast.buyer)
        return {
            "listing": f"/sellers/listings/{listing.public_id}",
            "part": f"/sellers/batches/{matches.queries.get_batch_of(listing).public_id}/listings/new",
            "pings": f"/sellers/posting/{terms.public_id}/pings",
            "source": f"/sellers/posting/{terms.public_id}",
            "post": f"/sellers/posting/posts/{sold.public_id}",
            "refused": f"/sellers/posting/posts/{refused.public_id}",
            "offer": f"/sellers/offers/{offer.public_id}",
            "offers": "/sellers/offers",
            "sales": "/sellers/sales",
            "notices": "/notices",
            "listings": "/sellers/listings",
            "wanted": "/sellers/wanted",
        }


def test_everybody_can_use_the_pages(stage: Stage, scene: dict[str, str]) -> None:
    with stage.visit(stage.cast.seller) as page:
        for name, path in scene.items():
            page.goto(path)
            fits(page, f"seller-{name}")


def test_the_preview_follows_the_form(stage: Stage, scene: dict[str, str]) -> None:
    with stage.visit(stage.cast.seller) as page:
        page.goto(scene["listing"])
        card = page.locator("#preview")
        expect(card).to_contain_text("$45.00")
        page.get_by_label("Price per lead").first.fill("61.50")
        page.keyboard.press("Tab")
        expect(card).to_contain_text("$61.50")
        page.get_by_label("To standing orders only").check()
        expect(card).to_contain_text("Standing orders only")


def test_without_a_script_a_button_shows_it_and_nothing_is_lost(
    stage: Stage, scene: dict[str, str]
) -> None:
    with stage.visit(stage.cast.seller, scripts=False) as page:
        page.goto(scene["listing"])
        page.get_by_label("Price per lead").first.fill("61.50")
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("#preview")).to_contain_text("$61.50")
        expect(page.get_by_label("Price per lead").first).to_have_value("61.50")
    with stage.tables() as session:
        assert session.query(Listing).filter_by(price_amount=61_50).count() == 0
