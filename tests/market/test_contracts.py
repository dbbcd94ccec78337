"""Verbs of contracts: who may, what is refused, and that what was agreed is never edited."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from exchange.catalog import places
from exchange.catalog.fields import LeadFields
from exchange.catalog.models import VerticalStatus
from exchange.catalog.queries import get_schema
from exchange.catalog.schemas import load_preset
from exchange.catalog.services import publish_vertical
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, save
from exchange.core.errors import Conflict, Forbidden, Invalid, NotFound
from exchange.core.events import Event
from exchange.core.money import Currency, Money
from exchange.leads.services.sources import ensure_source
from exchange.market import queries
from exchange.market.contract_models import ContractSource, ContractSourceStatus, ContractStatus
from exchange.market.contract_terms import Period
from exchange.market.models import PricingModel
from exchange.market.services import contracts, matches
from tests.catalog.test_places import AROUND
from tests.factories.billing import fund_wallet
from tests.factories.catalog import VERTICAL, make_vertical
from tests.factories.contracts import make_contract
from tests.factories.leads import leads_of
from tests.factories.market import make_listing

PRICE = Money(50_00, Currency.USD)


def make(player, content=None, **asked):
    make_vertical()
    return contracts.draft(
        **{
            "vertical_code": VERTICAL,
            "name": "Roofs in Ohio",
            "price": PRICE,
            "content": content or {},
            "actor": player.actor,
            **asked,
        }
    )


def refused(player, content=None, **asked):
    """The pointers and codes of what is wrong."""
    with pytest.raises(Invalid) as caught:
        make(player, content, **asked)
    return {(e.pointer, e.code) for e in caught.value.errors}


def events_of(contract):
    rows = select(Event.type).where(Event.subject_id == contract.id).order_by(Event.id)
    return list(db.session.scalars(rows))


class TestDraft:
    def test_a_draft_asks_what_was_said_in_the_zone_of_the_vertical(self, cast):
        content = {"regions": ["OH"], "caps": {"leads": {"day": 5}}}
        contract = make(cast.buyer, content)
        assert contract.status is ContractStatus.DRAFT
        assert contract.ranked_at is None
        terms = queries.terms_of(contract)
        assert terms.time_zone == make_vertical().time_zone
        assert terms.regions == ("OH",)
        assert terms.caps.leads == {Period.DAY: 5}
        assert events_of(contract) == ["contract.drafted"]

    def test_who_waits_for_approval_drafts_and_nothing_more(self, cast):
        contract = make(cast.newcomer)
        with pytest.raises(Forbidden) as caught:
            contracts.activate(contract_id=contract.id, actor=cast.newcomer.actor)
        assert caught.value.code == "not_approved"

    def test_a_seller_makes_none(self, cast):
        with pytest.raises(Forbidden):
            make(cast.seller)

    @pytest.mark.parametrize(
        ("content", "pointer", "code"),
        [
            ({"caps": {"leads": {"day": 0}}}, "/caps/leads/day", "range"),
            ({"caps": {"amount": {"week": 4999}}}, "/caps/amount/week", "below_price"),
            ({"schedule": [{"days": [0], "from": "09:00", "to": "09:00"}]}, "/schedule/0/to",
             "empty_range"),
            ({"schedule": [{"days": [7], "from": "09:00", "to": "10:00"}]}, "/schedule/0/days",
             "invalid"),
            ({"schedule": [{"days": [0, 1], "from": "09:00", "to": "12:00"},
                           {"days": [1], "from": "11:59", "to": "00:00"}]}, "/schedule/1",
             "overlap"),
            ({"schedule": [{"days": [0], "from": "09:00", "to": "10:00", "price": 0}]},
             "/schedule/0/price", "price_invalid"),
            ({"starts_at": "2026-12-02T00:00:00+00:00", "ends_at": "2026-12-01T00:00:00+00:00"},
             "/ends_at", "empty_range"),
            ({"starts_at": "2026-12-02T00:00:00"}, "/starts_at", "date_invalid"),
            ({"time_zone": "Europe/Atlantis"}, "/time_zone", "unknown_time_zone"),
            ({"trial_leads": 101}, "/trial_leads", "range"),
            ({"kinds": []}, "/kinds", "missing_required"),
            ({"regions": ["XX"]}, "/regions/0", "value_not_allowed"),
            ({"postal_codes": ["4321"]}, "/postal_codes/0", "postal_code_invalid"),
            ({"postal_codes": ["43215", "43085-1234"]}, "/postal_codes/1", "postal_code_invalid"),
            ({"radius": {"postal_code": "10001", "km": 9}}, "/radius/postal_code", "no_places"),
            ({"radius": {"postal_code": "10001", "km": 0}}, "/radius/km", "range"),
            ({"sellers_only": ["con_1"]}, "/sellers_only/0", "invalid"),
            ({"age_hours_max": 0}, "/age_hours_max", "range"),
            ({"bad_upper_max_bps": 10_001}, "/bad_upper_max_bps", "range"),
            ({"criteria": {"field": "phone", "is": "1"}}, "/criteria/field", "unknown_field"),
            ({"criteria": []}, "/criteria", "not_an_object"),
            ({"action": {"action": "sale", "attribution_days": 9, "decision_days": 9,
                         "past_due": "approve"}}, "/action", "only_cpa"),
        ],
    )  # fmt: skip
    def test_what_does_not_hold_together_is_refused(self, cast, content, pointer, code):
        assert (pointer, code) in refused(cast.buyer, content)

    def test_every_mistake_is_named_at_once(self, cast):
        content = {"criteria": {"either": []}, "trial_leads": 0, "time_zone": ""}
        found = refused(cast.buyer, content, name=" ", price=Money(0, Currency.EUR))
        assert {pointer for pointer, _ in found} == {
            "/name", "/price", "/criteria", "/trial_leads", "/time_zone",
        }  # fmt: skip

    def test_rows_that_touch_do_not_overlap(self, cast):
        rows = [
            {"days": [0], "from": "09:00", "to": "12:00"},
            {"days": [0], "from": "12:00", "to": "00:00"},
        ]
        assert len(queries.terms_of(make(cast.buyer, {"schedule": rows})).schedule) == 2

    def test_actions_need_terms(self, cast):
        assert ("/action", "missing_required") in refused(
            cast.buyer, pricing_model=PricingModel.CPA
        )

    def test_an_unknown_vertical_is_refused_as_a_field(self, cast):
        assert refused(cast.buyer, vertical_code="shoes") == {("/vertical", "unknown_vertical")}

    def test_a_radius_is_taken_where_places_are_known(self, cast):
        places.import_places(AROUND)
        contract = make(cast.buyer, {"radius": {"postal_code": "10001", "km": 5}})
        today = clock.now().date()
        assert queries.resolved_terms(contract, today).postal_codes == ("10001", "07030")


class TestChange:
    def test_a_change_is_a_new_version_and_the_former_one_stays(self, cast):
        contract = make(cast.buyer, {"regions": ["OH"], "trial_leads": 10})
        former = contract.changed_at
        contracts.change(
            contract_id=contract.id,
            price=Money(60_00, Currency.USD),
            content={"trial_leads": None, "age_hours_max": 24},
            actor=cast.buyer.actor,
        )
        assert contract.terms_version == 2
        assert contract.price.amount == 60_00
        assert contract.changed_at > former
        terms = queries.terms_of(contract)
        assert (terms.regions, terms.trial_leads, terms.age_hours_max) == (("OH",), None, 24)
        first = queries.get_contract_terms(contract.id, version=1)
        assert first.price.amount == 50_00
        assert first.content["trial_leads"] == 10

    def test_the_same_again_is_no_version(self, cast):
        contract = make(cast.buyer, {"regions": ["OH"]})
        contracts.change(
            contract_id=contract.id, price=PRICE, content={"regions": ["OH"]}, name="Roofs",
            actor=cast.buyer.actor,
        )  # fmt: skip
        assert contract.terms_version == 1
        assert contract.name == "Roofs"

    def test_a_new_price_keeps_the_place_among_equal_prices(self, cast):
        contract = make(cast.buyer)
        contracts.activate(contract_id=contract.id, actor=cast.buyer.actor)
        ranked_at = contract.ranked_at
        assert ranked_at is not None
        higher = Money(70_00, Currency.USD)
        contracts.change(contract_id=contract.id, price=higher, actor=cast.buyer.actor)
        contracts.pause(contract_id=contract.id, actor=cast.buyer.actor)
        contracts.resume(contract_id=contract.id, actor=cast.buyer.actor)
        assert contract.ranked_at == ranked_at

    def test_a_mistake_changes_nothing(self, cast):
        contract = make(cast.buyer)
        with pytest.raises(Invalid):
            contracts.change(
                contract_id=contract.id, content={"trial_leads": 0}, actor=cast.buyer.actor
            )
        assert contract.terms_version == 1

    def test_a_stranger_finds_nothing_and_an_ended_one_stays(self, cast):
        contract = make(cast.buyer)
        for verb in (
            contracts.change, contracts.activate, contracts.resume, contracts.pause, contracts.end,
        ):  # fmt: skip
            with pytest.raises(NotFound):
                verb(contract_id=contract.id, actor=cast.other_buyer.actor)
        contracts.end(contract_id=contract.id, actor=cast.buyer.actor)
        with pytest.raises(Conflict):
            contracts.change(contract_id=contract.id, name="x", actor=cast.buyer.actor)

    def test_a_new_schema_of_the_vertical_breaks_no_contract(self, cast):
        """What is no field any more meets no condition; new criteria are read with the new one."""
        vertical = make_vertical()
        gone = next(s for s in _fields(vertical).attributes if s.name == "credit_rating")
        criteria = {"field": gone.name, "is": gone.choices[0].value}
        contract = make(cast.buyer, {"criteria": criteria})
        before = contract.schema_id
        _publish_without(gone.name)
        assert queries.terms_of(contract).criteria.field == gone.name
        contracts.change(
            contract_id=contract.id, content={"age_hours_max": 5}, actor=cast.buyer.actor
        )
        assert contract.schema_id == before
        with pytest.raises(Invalid):
            contracts.change(
                contract_id=contract.id, content={"criteria": criteria}, actor=cast.buyer.actor
            )
        contracts.change(contract_id=contract.id, content={"criteria": {}}, actor=cast.buyer.actor)
        assert contract.schema_id != before


def _fields(vertical):
    return get_schema(vertical).fields


def _publish_without(name):
    definition = load_preset(VERTICAL)
    kept = LeadFields(tuple(s for s in definition.fields.specs if s.name != name))
    publish_vertical(definition=replace(definition, fields=kept), actor=SYSTEM)


class TestOnAndOff:
    def test_on_off_on_and_ended(self, cast):
        contract = make(cast.buyer)
        contracts.activate(contract_id=contract.id, actor=cast.buyer.actor)
        contracts.pause(contract_id=contract.id, actor=cast.buyer.actor)
        assert (contract.status, contract.pause_reason) == (ContractStatus.PAUSED, "buyer")
        contracts.resume(contract_id=contract.id, actor=cast.buyer.actor)
        assert (contract.status, contract.pause_reason) == (ContractStatus.ACTIVE, "")
        contracts.end(contract_id=contract.id, actor=cast.buyer.actor)
        assert events_of(contract) == [
            "contract.drafted", "contract.active", "contract.paused", "contract.active",
            "contract.ended",
        ]  # fmt: skip

    def test_a_draft_is_activated_and_not_resumed(self, cast):
        contract = make(cast.buyer)
        with pytest.raises(Conflict):
            contracts.resume(contract_id=contract.id, actor=cast.buyer.actor)
        contracts.activate(contract_id=contract.id, actor=cast.buyer.actor)
        with pytest.raises(Conflict):
            contracts.activate(contract_id=contract.id, actor=cast.buyer.actor)

    def test_a_paused_vertical_takes_nothing_new(self, cast):
        contract = make(cast.buyer)
        make_vertical().status = VerticalStatus.PAUSED
        with pytest.raises(Conflict) as caught:
            contracts.activate(contract_id=contract.id, actor=cast.buyer.actor)
        assert caught.value.code == "vertical_paused"

    def test_what_is_over_is_not_begun(self, cast):
        over = (clock.now() - timedelta(minutes=1)).isoformat()
        contract = make(cast.buyer, {"ends_at": over})
        with pytest.raises(Conflict) as caught:
            contracts.activate(contract_id=contract.id, actor=cast.buyer.actor)
        assert caught.value.code == "over"


class TestSources:
    def make_request(self, cast):
        contract = make_contract(cast.buyer, approves_sources=True)
        source = ensure_source(organization_id=cast.seller.organization.id, name="Search ads")
        return save(
            ContractSource(
                contract_id=contract.id,
                source_id=source.id,
                organization_id=cast.seller.organization.id,
            )
        )

    def test_a_buyer_decides_about_a_source_and_can_change_it(self, cast):
        asked = self.make_request(cast)
        contracts.approve_source(contract_source_id=asked.id, actor=cast.buyer.actor)
        assert asked.status is ContractSourceStatus.APPROVED
        contracts.refuse_source(contract_source_id=asked.id, actor=cast.buyer.actor)
        assert asked.status is ContractSourceStatus.REFUSED

    def test_nobody_else_decides(self, cast):
        asked = self.make_request(cast)
        for stranger in (cast.other_buyer, cast.seller):
            with pytest.raises(NotFound):
                contracts.approve_source(contract_source_id=asked.id, actor=stranger.actor)


def buy(contract, listing, quantity):
    """Orders of the contract for so many leads, the last of them."""
    free = [lead for lead in leads_of(queries.get_batch_of(listing)) if not lead.sold]
    orders = [
        matches.buy_for(
            contract_id=contract.id,
            lead_id=lead.id,
            price_min=listing.price.amount,
            actor=SYSTEM,
        )
        for lead in free[:quantity]
    ]
    return orders[-1]


class TestTrial:
    def test_it_pauses_itself_and_goes_on_without_a_trial(self, cast):
        fund_wallet(cast.buyer, 10_000_00)
        listing = make_listing(cast.seller, leads=4)
        contract = make_contract(cast.buyer, price=listing.price.amount, trial_leads=3)
        buy(contract, listing, 2)
        assert contract.status is ContractStatus.ACTIVE
        assert queries.trial_left(contract) == 1
        buy(contract, listing, 1)
        contracts.end_trial_if_done(contract_id=contract.id)
        assert (contract.status, contract.pause_reason) == (ContractStatus.PAUSED, "trial")
        assert events_of(contract).count("contract.paused") == 1
        contracts.resume(contract_id=contract.id, actor=cast.buyer.actor)
        assert queries.trial_left(contract) is None
        contracts.end_trial_if_done(contract_id=contract.id)
        assert contract.status is ContractStatus.ACTIVE

    def test_what_came_by_a_contract_is_counted(self, cast):
        fund_wallet(cast.buyer, 10_000_00)
        listing = make_listing(cast.seller, leads=4)
        contract = make_contract(cast.buyer, price=listing.price.amount)
        other = make_contract(cast.buyer)
        buy(contract, listing, 3)
        found = queries.bought_by_contracts([contract, other], now=clock.now())
        bought, nothing = found[contract.id], found[other.id]
        assert (bought.leads, bought.today, bought.week, bought.returned) == (3, 3, 3, 0)
        assert bought.spent == listing.price * 3
        assert bought.per_lead == listing.price
        assert (nothing.leads, nothing.per_lead, nothing.last_at) == (0, None, None)


def test_a_limit_is_said_once_until_it_is_gone(cast):
    contract = make_contract(cast.buyer)
    for limit in ("cap", "cap", "", "cap"):
        contracts.note_limit(contract_id=contract.id, limit=limit)
    assert events_of(contract) == ["contract.limited", "contract.limited"]
