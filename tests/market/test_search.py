"""The masked market: filters, facets, few people not counted, and prices only where enough sold."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exchange.catalog.criteria import from_json
from exchange.catalog.policies import QualityClass
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.money import Currency
from exchange.identity import services as identity
from exchange.leads.models import LeadKind
from exchange.leads.queries import fields_of
from exchange.leads.services import batches
from exchange.market import queries
from exchange.market.queries import Filters, Sort
from exchange.market.services import listings
from tests.factories.billing import fund_wallet
from tests.factories.catalog import make_vertical
from tests.factories.leads import leads_of, make_batch
from tests.factories.market import make_listing, place


def search(cast, **filters):
    return queries.search(viewer=cast.buyer.organization.id, filters=Filters(**filters)).items


def facets(cast, **filters):
    return queries.facets(viewer=cast.buyer.organization.id, filters=Filters(**filters))


def criteria(listing, data):
    return from_json(data, fields_of(queries.get_batch_of(listing).schema_id))


class TestSearch:
    def test_finds_what_is_on_sale_newest_first(self, cast):
        old, new = make_listing(cast.seller, leads=3), make_listing(cast.other_seller, leads=2)
        found = search(cast)
        assert [f.listing for f in found] == [new, old]
        assert [(f.seller, f.available) for f in found] == [
            ("Eastern Leads", 2), ("Northern Leads", 3),
        ]  # fmt: skip

    def test_shows_nothing_that_cannot_be_bought(self, cast):
        paused = make_listing(cast.seller, leads=1)
        listings.pause(listing_id=paused.id, actor=cast.seller.actor)
        make_listing(cast.other_seller, leads=1)
        identity.suspend_organization(
            organization_id=cast.other_seller.organization.id, reason="papers", actor=SYSTEM
        )
        assert search(cast) == []

    def test_what_the_viewer_has_bought_is_not_counted(self, cast):
        listing = make_listing(cast.seller, leads=3, kind=LeadKind.SHARED)
        fund_wallet(cast.buyer)
        place(cast.buyer, listing, 2)
        (found,) = search(cast)
        assert (found.available, found.sales_max) == (1, 3)
        others = queries.search(viewer=cast.other_buyer.organization.id, filters=Filters())
        assert [f.available for f in others.items] == [3]

    def test_a_seller_does_not_find_the_own_listing(self, cast):
        make_listing(cast.seller)
        own = queries.search(viewer=cast.seller.organization.id, filters=Filters())
        assert own.items == []

    def test_pages_by_a_cursor_in_any_order(self, cast):
        made = [make_listing(cast.seller, leads=1, price=p) for p in (50_00, 40_00, 45_00)]
        made[0].bad_upper = 0.12
        db.session.flush()
        viewer = cast.buyer.organization.id
        for sort, expected in (
            (Sort.NEWEST, made[::-1]),
            (Sort.CHEAPEST, [made[1], made[2], made[0]]),
            (Sort.SAFEST, [made[0], made[2], made[1]]),
        ):
            seen, cursor = [], None
            while True:
                page = queries.search(
                    viewer=viewer, filters=Filters(), sort=sort, cursor=cursor, limit=2
                )
                seen += [f.listing for f in page.items]
                cursor = page.next_cursor
                if not page.has_more:
                    break
            assert seen == expected

    @pytest.mark.parametrize(
        ("filters", "count"),
        [
            ({"regions": ("AK",)}, 1),
            ({"regions": ("AK", "AZ")}, 2),
            ({"fresh_hours": 1}, 0),
            ({"fresh_hours": 2}, 10),
            ({"kind": LeadKind.EXCLUSIVE}, 10),
            ({"kind": LeadKind.SHARED}, 0),
            ({"quality_classes": (QualityClass.STANDARD,)}, 10),
            ({"quality_classes": (QualityClass.PRIME,)}, 0),
            ({"price_max": 44_99}, 0),
            ({"price_max": 45_00}, 10),
            ({"bad_upper_max": 0.99}, 0),
            ({"bad_upper_max": 1}, 10),
            ({"checked": True}, 0),
        ],
    )
    def test_narrows_by(self, cast, filters, count):
        make_listing(cast.seller, leads=10)
        assert sum(found.available for found in search(cast, **filters)) == count

    def test_narrows_by_vertical(self, cast):
        make_listing(cast.seller, leads=2)
        malay = make_vertical("personal_loan_my")
        loans = make_listing(cast.seller, leads=2, vertical=malay)
        (found,) = search(cast, vertical_id=malay.id)
        assert found.listing is loans

    def test_leads_called_by_us_can_be_asked_for(self, cast):
        batch = make_batch(cast.seller, leads=8)
        make_listing(cast.seller, batch)
        called = [lead.id for lead in leads_of(batch)[:6]]
        batches.mark_checked(lead_ids=called, at=clock.now(), actor=SYSTEM)
        (found,) = search(cast, checked=True)
        assert found.available == 6

    def test_few_people_behind_attributes_are_not_counted(self, cast):
        listing = make_listing(cast.seller, leads=40)
        scarce = criteria(listing, {"field": "project", "is": "windows"})
        common = criteria(listing, {"field": "is_homeowner", "is": True})
        assert [f.available for f in search(cast, criteria=scarce)] == [None]
        assert [f.available for f in search(cast, criteria=common)] == [40]


class TestFacets:
    def test_each_keeps_the_other_filters_and_leaves_out_its_own(self, cast):
        make_listing(cast.seller, leads=4)
        make_listing(cast.seller, leads=3, kind=LeadKind.SHARED, source="other page")
        found = facets(cast, kind=LeadKind.SHARED, regions=("AK",))
        assert found.kinds == {"exclusive": 1, "shared": 1}
        assert found.regions == {"AK": 1, "AZ": 1, "AR": 1}
        assert found.quality_classes == {"standard": 1}
        assert found.fresh_hours == {1: 0, 24: 1, 72: 1, 168: 1}

    def test_few_people_behind_attributes_are_not_counted(self, cast):
        listing = make_listing(cast.seller, leads=40)
        scarce = criteria(listing, {"field": "project", "is": "windows"})
        found = facets(cast, criteria=scarce)
        assert found.kinds == {"exclusive": None}
        assert found.fresh_hours == {1: None, 24: None, 72: None, 168: None}


class TestMaskedLeads:
    def page(self, cast, listing, **options):
        return queries.sellable_leads(listing, viewer=cast.buyer.organization.id, **options)

    def test_show_what_is_wanted_and_not_by_whom(self, cast):
        listing = make_listing(cast.seller, leads=1)
        (lead,) = self.page(cast, listing).items
        assert lead.attributes["project"] == "windows"
        assert lead.preview["phone"] == "+1 ***"
        assert lead.preview["name"] == "***"
        assert "postal_code" not in lead.attributes
        assert not {"name", "phone", "email", "street"} & lead.attributes.keys()

    def test_of_a_date_only_the_year_is_shown(self, cast):
        audits = make_vertical("audit_services_ru")
        batch = make_batch(cast.seller, leads=1, vertical=audits)
        (lead,) = leads_of(batch)
        shown = queries.shown_attributes(lead.attributes, fields_of(batch.schema_id))
        dates = [s.name for s in fields_of(batch.schema_id).attributes if s.type == "date"]
        assert dates
        assert all(len(shown[name]) == 4 for name in dates if name in shown)

    def test_come_freshest_first_page_by_page(self, cast):
        listing = make_listing(cast.seller, leads=5)
        first = self.page(cast, listing, limit=3)
        second = self.page(cast, listing, limit=3, cursor=first.next_cursor)
        moments = [lead.requested_at for lead in (*first.items, *second.items)]
        assert moments == sorted(moments, reverse=True)
        assert (len(moments), second.has_more) == (5, False)

    def test_are_withheld_where_too_few_people_fit(self, cast):
        listing = make_listing(cast.seller, leads=40)
        scarce = criteria(listing, {"field": "project", "is": "windows"})
        page = self.page(cast, listing, criteria=scarce)
        assert (page.is_withheld, page.items) == (True, ())
        common = criteria(listing, {"field": "is_homeowner", "is": True})
        assert len(self.page(cast, listing, criteria=common).items) == 25

    def test_are_withheld_where_who_stays_would_tell_what_is_hidden(self, cast):
        listing = make_listing(cast.seller, leads=12)
        codes = {lead.attributes["postal_code"] for lead in leads_of(queries.get_batch_of(listing))}
        for kind in ("is", "not"):
            asked = {"field": "postal_code", "in": [*codes, "99999"]}
            read = criteria(listing, asked if kind == "is" else {"not": asked})
            page = self.page(cast, listing, criteria=read)
            assert (page.is_withheld, page.items) == (True, ())

    def test_leave_out_what_the_viewer_has(self, cast):
        listing = make_listing(cast.seller, leads=3, kind=LeadKind.SHARED)
        fund_wallet(cast.buyer)
        place(cast.buyer, listing, 2)
        assert len(self.page(cast, listing).items) == 1

    def test_freshness_never_hides(self, cast):
        listing = make_listing(
            cast.seller, leads=3, requested_at=clock.now() - timedelta(minutes=58)
        )
        assert len(self.page(cast, listing, fresh_hours=1).items) == 2


class TestPriceGuidance:
    def guidance(self, cast, **options):
        vertical = make_vertical()
        return queries.price_guidance(vertical.id, currency=Currency.USD, **options)

    def test_is_not_given_under_twenty_sales(self, cast):
        fund_wallet(cast.buyer)
        place(cast.buyer, make_listing(cast.seller, leads=19), 19)
        assert self.guidance(cast) is None

    def test_gives_quartiles_of_what_was_paid(self, cast):
        fund_wallet(cast.buyer)
        for price, count in ((30_00, 5), (40_00, 10), (60_00, 5)):
            place(cast.buyer, make_listing(cast.seller, leads=count, price=price), count)
        found = self.guidance(cast)
        assert (found.low.amount, found.median.amount, found.high.amount) == (30_00, 40_00, 40_00)
        assert found.n == 20

    def test_knows_regions_and_forgets_old_sales(self, cast):
        fund_wallet(cast.buyer)
        listing = make_listing(cast.seller, leads=25, values={"region": "Ohio"})
        place(cast.buyer, listing, 25)
        assert self.guidance(cast, region="OH").n == 25
        assert self.guidance(cast, region="AK") is None
        clock.advance(timedelta(days=91))
        assert self.guidance(cast, region="OH") is None
        db.session.flush()
