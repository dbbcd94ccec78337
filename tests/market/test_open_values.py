"""What a buyer who knows somebody finds out about them before paying: attacks that fail."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from flask import current_app
from sqlalchemy import func, select

from exchange.buyers.diagnosing import checks
from exchange.buyers.refusing import refused
from exchange.catalog.criteria import All, AnyOf, Between, In, Is, Not
from exchange.catalog.fields import FieldType
from exchange.core import clock
from exchange.core.db import db, save
from exchange.core.errors import Gone, InsufficientFunds
from exchange.core.money import Currency, Money
from exchange.leads.models import Contact, Lead, SuppressionEntry
from exchange.leads.queries import fields_of
from exchange.market import queries
from exchange.market.contract_models import Contract, ContractSource
from exchange.market.contract_terms import Terms
from exchange.market.filters import Filters
from exchange.market.kept import KEY
from exchange.market.models import Listing
from exchange.market.open_values import hidden_values, openly
from exchange.market.queries.forecasts import fitting_leads
from exchange.market.queries.snapshot import read_market
from exchange.market.queries.supply import supply
from exchange.market.services import contracts, matches, meetings
from tests.cast import Cast
from tests.factories.billing import fund_wallet
from tests.factories.catalog import make_vertical
from tests.factories.contracts import make_contract
from tests.factories.leads import leads_of
from tests.factories.market import make_listing, place
from tests.market.test_matches import reasons

TYPES = {
    "postal_code": FieldType.POSTAL_CODE, "model": FieldType.TEXT, "until": FieldType.DATE,
    "project": FieldType.CHOICE, "budget": FieldType.MONEY,
}  # fmt: skip
SHARED = {"postal_code": {"43215"}}


class TestOpenly:
    @pytest.mark.parametrize(
        ("asked", "answered"),
        [
            (Is("postal_code", "43215"), In("postal_code", ("43215",))),
            (Is("postal_code", "43085"), In("postal_code", ())),
            (In("postal_code", ("43085", "43215")), In("postal_code", ("43215",))),
            (Is("model", "Lada Niva"), In("model", ())),
            (Not(Is("postal_code", "43085")), Not(In("postal_code", ()))),
            (Between("until", "2026-03-05", None), Between("until", "2026-01-01", None)),
            (Between("until", None, "2028-02-03"), Between("until", None, "2028-12-31")),
            (Is("until", "2026-12-24"), AnyOf((Between("until", "2026-01-01", "2026-12-31"),))),
            (Is("project", "windows"), Is("project", "windows")),
            (Between("budget", 1, 2), Between("budget", 1, 2)),
            (Is("of_another_vertical", "A"), In("of_another_vertical", ())),
            (Between("of_another_vertical", 1, 2), In("of_another_vertical", ())),
        ],
    )
    def test_what_few_share_counts_as_not_filled_in(self, asked, answered):
        assert openly(asked, types=TYPES, shared=SHARED) == answered
        for joined in (All, AnyOf):
            parts = (Is("project", "windows"), asked)
            expected = joined((Is("project", "windows"), answered))
            assert openly(joined(parts), types=TYPES, shared=SHARED) == expected

    def test_only_hidden_values_are_looked_up(self):
        asked = All(
            (Is("project", "windows"), Not(In("postal_code", ("1", "2"))), Is("model", "A"))
        )
        assert hidden_values(asked, TYPES) == {"postal_code": {"1", "2"}, "model": {"A"}}


@pytest.fixture(params=["database", "sets"])
def counted(request: Any) -> Any:
    """Answers from the database, or from the sets in memory."""

    def take() -> None:
        if request.param == "sets":
            current_app.extensions[KEY] = read_market(None, leads_min=0)

    yield take
    current_app.extensions.pop(KEY, None)


@pytest.fixture
def listing(cast: Cast) -> Listing:
    """Twelve leads; one lives where nobody else does, six share a code, four others a budget."""
    made = make_listing(cast.seller, leads=12)
    for number, lead in enumerate(leads_of(queries.get_batch_of(made))):
        code = "99501" if number == 0 else "43215" if number < 7 else f"4300{number % 10}"
        marked = {"budget": 777_00} if 7 <= number < 11 else {}
        lead.attributes = {**lead.attributes, "postal_code": code, **marked}
        lead.postal_code = code
    db.session.flush()
    return made


def target(listing: Listing) -> Lead:
    """Whom the attacker knows to live at 99501."""
    return leads_of(queries.get_batch_of(listing))[0]


def found(cast: Cast, criteria: Any) -> list[int | None]:
    viewer = cast.buyer.organization.id
    return [
        one.available
        for one in queries.search(viewer=viewer, filters=Filters(criteria=criteria)).items
    ]


def facets(cast: Cast, criteria: Any) -> Any:
    viewer = cast.buyer.organization.id
    return queries.facets(viewer=viewer, filters=Filters(criteria=criteria)).kinds


LIVES_THERE, NOBODY_THERE = Is("postal_code", "99501"), Is("postal_code", "99999")


class TestSearch:
    def test_presence_does_not_tell_that_somebody_lives_somewhere(self, cast, listing, counted):
        counted()
        assert found(cast, LIVES_THERE) == found(cast, NOBODY_THERE) == []
        assert facets(cast, LIVES_THERE) == facets(cast, NOBODY_THERE)

    def test_neither_does_the_difference_of_two_counts(self, cast, listing, counted):
        counted()
        shown = Is("is_homeowner", True)
        every = found(cast, shown)
        assert found(cast, All((shown, Not(LIVES_THERE)))) == every == [12]
        assert found(cast, AnyOf((Is("postal_code", "43215"), LIVES_THERE))) == [6]

    def test_nor_others_that_are_added_until_a_step_is_crossed(self, cast, listing, counted):
        counted()
        four = Is("budget", 777_00)  # as everybody can read in the masked leads
        for guess in (LIVES_THERE, NOBODY_THERE):
            assert found(cast, AnyOf((four, guess))) == [None]  # and not five

    def test_what_five_share_is_found(self, cast, listing, counted):
        counted()
        assert found(cast, Is("postal_code", "43215")) == [6]

    def test_what_is_no_field_of_the_vertical_finds_nobody(self, cast, listing, counted):
        counted()
        assert found(cast, Is("of_another_vertical", "A")) == []

    def test_two_listings_of_one_lot_do_not_make_five_of_three(self, cast, listing, counted):
        leads = leads_of(queries.get_batch_of(listing))
        for lead in leads[:3]:
            lead.attributes = {**lead.attributes, "postal_code": "99501"}
        again = Listing(
            **{
                column.key: getattr(listing, column.key)
                for column in Listing.__mapper__.column_attrs
                if column.key not in {"id", "criteria", "criteria_path"}
            },
            criteria={"field": "is_homeowner", "is": True},
            criteria_path=listing.criteria_path,
        )
        db.session.add(again)
        db.session.flush()
        counted()
        assert found(cast, LIVES_THERE) == []

    def test_a_listing_counts_nobody_by_what_is_hidden(self, cast, listing):
        viewer = cast.buyer.organization.id
        for guess in (LIVES_THERE, Not(LIVES_THERE)):
            assert queries.count_sellable(listing, viewer=viewer, criteria=guess) is None


class TestForecasts:
    """What a draft would bring is told before anything is paid, as often as it is asked."""

    @pytest.fixture(autouse=True)
    def a_week_later(self, listing):
        clock.advance(timedelta(days=8))

    def ask(self, cast: Cast, **terms: Any) -> Any:
        return queries.forecast(
            Terms(**{"time_zone": "UTC", **terms}),
            price=Money(50_00, Currency.USD),
            vertical=make_vertical(),
            viewer=cast.buyer.organization.id,
        )

    def test_a_postal_code_tells_nobody_who_lives_there_alone(self, cast, listing):
        there, nobody = (self.ask(cast, postal_codes=(code,)) for code in ("99501", "99999"))
        assert there == nobody
        assert there.silence == "too_few"

    def test_leaving_a_code_out_of_a_list_changes_nothing(self, cast, listing):
        codes = sorted(
            {lead.attributes["postal_code"] for lead in leads_of(queries.get_batch_of(listing))}
        )
        every = self.ask(cast, postal_codes=tuple(codes))
        without = self.ask(cast, postal_codes=tuple(set(codes) - {"99501"}))
        assert (every.matched, every.week) == (without.matched, without.week)

    def test_others_that_are_added_do_not_help(self, cast, listing):
        shared = Is("postal_code", "43215")
        found = [
            self.ask(cast, criteria=AnyOf((shared, guess))) for guess in (LIVES_THERE, NOBODY_THERE)
        ]
        assert found[0] == found[1]
        assert found[0].matched == 6

    def test_a_sample_does_not_make_many_of_the_one_it_saw(self, cast, listing):
        seen = supply(listing.vertical_id, viewer=cast.buyer.organization.id, days=30, sample_max=2)
        assert target(listing).id in {one.lead_id for one in seen.leads}
        assert seen.step >= 5
        for terms in ({"postal_codes": ("99501",)}, {"criteria": LIVES_THERE}):
            asked = Terms(time_zone="UTC", **terms)
            assert fitting_leads(asked, seen, price=50_00, vertical=make_vertical()) == []


class TestChecklists:
    """They look at the last seven days."""

    def test_a_sample_does_not_make_many_of_the_two_it_saw(self, cast, listing, monkeypatch):
        # By name: beside it the package has the function that the module is called after.
        module = import_module("exchange.market.queries.diagnosis")
        monkeypatch.setattr(module, "SAMPLE_MAX", 2)
        met = queries.diagnosis(make_contract(cast.buyer, criteria=Is("is_homeowner", True))).met
        assert (met.seen, met.fit, met.is_told) == (12, 12, False)  # of two who were looked at

    def test_they_say_the_same_of_both(self, cast, listing):
        seen = [
            queries.diagnosis(make_contract(cast.buyer, criteria=guess))
            for guess in (LIVES_THERE, NOBODY_THERE)
        ]
        assert seen[0].met == seen[1].met
        assert seen[0].met.seen == 12
        assert seen[0].narrowest == seen[1].narrowest
        assert seen[0].standing.limit == seen[1].standing.limit


def put_on_list(cast: Cast, known: Lead) -> None:
    """The buyer lists the person."""
    contact = db.session.get(Contact, known.id)
    assert contact is not None
    save(
        SuppressionEntry(
            hash=contact.phone_index,
            origin="list",
            listed_on=clock.now().date(),
            organization_id=cast.buyer.organization.id,
        )
    )


def sources_of(contract: Contract) -> int:
    """About how many sources its buyer was asked."""
    asked = select(func.count()).where(ContractSource.contract_id == contract.id)
    return db.session.scalar(asked) or 0


class TestContracts:
    def test_who_pays_too_little_does_not_learn_that_somebody_fits(self, cast, client, listing):
        contract = make_contract(cast.buyer, price=1_00, criteria=LIVES_THERE)
        matches.match_listing(listing_id=listing.id)
        meetings.add_up_refusals(limit=100)
        found = queries.diagnosis(contract)
        assert [one.leads for one in found.refusals] == [1]
        assert refused(found) == []
        fields = fields_of(contract.schema_id)
        (line,) = (one for one in checks(found, fields, language="en") if one.code == "refusals")
        assert line.detail.in_english().startswith("fewer than 5 leads were refused")

    def test_one_person_is_not_counted_up_to_five(self, cast, listing):
        put_on_list(cast, target(listing))
        fund_wallet(cast.buyer)
        contract = make_contract(cast.buyer, price=60_00, criteria=LIVES_THERE)
        for _ in range(3):  # its seller changes the price, its buyer pauses and resumes
            matches.match_listing(listing_id=listing.id)
            listing.terms_version += 1
            db.session.flush()
            for _ in range(2):
                clock.advance(timedelta(minutes=1))
                matches.match_contract(contract_id=contract.id)
        assert reasons(contract) == {"suppressed": 1}

    def test_other_terms_do_not_tell_what_the_former_ones_found(self, cast, listing):
        contract = make_contract(cast.buyer, price=1_00, criteria=LIVES_THERE)
        matches.match_listing(listing_id=listing.id)
        assert reasons(contract) == {"price": 1}
        contracts.change(
            contract_id=contract.id, content={"criteria": None}, actor=cast.buyer.actor
        )
        assert not queries.terms_of(contract).asks_people
        assert refused(queries.diagnosis(contract)) == []

    @pytest.mark.parametrize("asked", [{"criteria": LIVES_THERE}, {"postal_codes": ("99501",)}])
    def test_no_source_is_asked_about_for_one_person(self, cast, listing, asked):
        fund_wallet(cast.buyer)
        contract = make_contract(cast.buyer, approves_sources=True, **asked)
        matches.match_listing(listing_id=listing.id)
        for _ in range(5):
            clock.advance(timedelta(minutes=1))
            matches.match_contract(contract_id=contract.id)
        assert sources_of(contract) == 0

    def test_five_leads_of_a_round_ask_about_their_source(self, cast, listing):
        fund_wallet(cast.buyer)
        matches.match_listing(listing_id=listing.id)
        contract = make_contract(cast.buyer, approves_sources=True, postal_codes=("43215",))
        clock.advance(timedelta(minutes=1))
        matches.match_contract(contract_id=contract.id)
        assert sources_of(contract) == 1

    def test_so_do_five_that_come_one_by_one(self, cast, listing):
        fund_wallet(cast.buyer)
        contract = make_contract(cast.buyer, approves_sources=True, postal_codes=("43215",))
        sharing = [
            one for one in leads_of(queries.get_batch_of(listing)) if one.postal_code == "43215"
        ]
        asked = []
        for number, lead in enumerate(sharing[:5]):
            matches.match_listing(listing_id=listing.id, lead_ids=[lead.id])
            if number == 1:
                meetings.add_up_refusals(limit=100)
            asked.append(sources_of(contract))
        assert asked == [0, 0, 0, 0, 1]

    def test_who_cannot_pay_does_not_learn_that_a_listed_person_is_on_sale(self, cast, listing):
        put_on_list(cast, target(listing))
        contract = make_contract(cast.buyer, price=60_00)
        matches.match_listing(listing_id=listing.id)
        assert reasons(contract) == {"funds": 12}


class TestOrders:
    def ask(self, cast: Cast, listing: Listing, code: str) -> Any:
        criteria = {"field": "postal_code", "is": code}
        return place(cast.buyer, listing, 1, criteria=criteria)

    def test_who_has_no_money_learns_nothing(self, cast, listing):
        for code in ("99501", "99999"):
            with pytest.raises(InsufficientFunds) as refused, db.session.begin_nested():
                self.ask(cast, listing, code)
            assert refused.value.facts == {"missing": 45_00, "currency": "USD"}

    def test_asking_for_more_than_there_are_counts_nobody(self, cast, listing):
        fund_wallet(cast.buyer)
        for code in ("43215", "99501", "99999"):
            criteria = {"field": "postal_code", "is": code}
            with pytest.raises(Gone) as refused, db.session.begin_nested():
                place(cast.buyer, listing, 1_000, criteria=criteria)
            assert refused.value.facts == {"left": None}
            assert refused.value.detail == "Not so many leads fit."

    def test_who_pays_gets_exactly_what_was_asked_for(self, cast, listing):
        fund_wallet(cast.buyer)
        (line,) = queries.lines_of(self.ask(cast, listing, "99501").id)
        assert line.lead_id == target(listing).id
