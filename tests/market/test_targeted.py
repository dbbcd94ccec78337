"""Targeted leads meet their contract and nobody else, whatever others pay (decision 2)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from exchange.catalog.criteria import Is
from exchange.core import clock
from exchange.core.db import db
from exchange.core.errors import Conflict
from exchange.core.money import Money
from exchange.leads.models import Lead, LeadKind
from exchange.market import queries
from exchange.market.allocation import Refusal
from exchange.market.contract_models import Contract, ContractSource, ContractSourceStatus
from exchange.market.contract_terms import Caps, Period
from exchange.market.match_models import LeadMatch
from exchange.market.models import Listing, ListingMode, OrderLine
from exchange.market.queries.meeting import leads_for_contract
from exchange.market.queries.standings import Seller, contract_rows, standings
from exchange.market.services import contracts, listings, matches
from tests.cast import Cast
from tests.factories.billing import fund_wallet
from tests.factories.contracts import make_contract
from tests.factories.leads import leads_of, make_batch
from tests.factories.market import make_listing


@pytest.fixture(autouse=True)
def money(cast: Cast) -> None:
    for player in (cast.buyer, cast.other_buyer):
        fund_wallet(player)


def targeted(cast: Cast, contract: Contract, *, leads: int = 2, price: int = 4_500) -> Listing:
    """A published lot of leads that an approved source brought for the contract."""
    batch = make_batch(cast.seller, contract_id=contract.id, leads=leads, price=price)
    db.session.add(
        ContractSource(
            contract_id=contract.id, source_id=batch.source_id,
            organization_id=cast.seller.organization.id, status=ContractSourceStatus.APPROVED,
        )
    )  # fmt: skip
    return make_listing(cast.seller, batch)


def buyers_of(listing: Listing) -> set[object]:
    lines = select(OrderLine.contract_id).join(Lead, Lead.id == OrderLine.lead_id)
    return set(db.session.scalars(lines.where(Lead.batch_id == listing.batch_id)))


def met_again(contract: Contract, listing: Listing) -> tuple[UUID, list[UUID]] | None:
    """What the contract would meet now of leads that met somebody before."""
    now, seller = clock.after_lock(), Seller(listing, queries.get_batch_of(listing).source_id)
    found = standings(contract_rows([contract.id]), seller=seller, entries={}, now=now)
    entry = found[contract.id].entry
    return leads_for_contract(entry, vertical_id=listing.vertical_id, now=now, before=now)


def test_the_contract_takes_them_at_its_own_price_whatever_others_pay(cast):
    make_contract(cast.other_buyer, price=90_000)
    contract = make_contract(cast.buyer, price=5_000)
    listing = targeted(cast, contract)
    assert matches.match_listing(listing_id=listing.id) == 2
    assert buyers_of(listing) == {contract.id}
    line = db.session.scalar(select(OrderLine))
    assert (line.price.amount, line.buyer_id) == (5_000, cast.buyer.organization.id)


def test_what_kind_it_takes_of_others_does_not_matter(cast):
    contract = make_contract(cast.buyer, kinds=(LeadKind.SHARED,))
    assert matches.match_listing(listing_id=targeted(cast, contract).id) == 2


def test_whoever_is_not_taken_stays_with_nobody(cast):
    rich = make_contract(cast.other_buyer, price=90_000)
    contract = make_contract(cast.buyer, criteria=Is("project", "solar"))
    listing = targeted(cast, contract)
    assert matches.match_listing(listing_id=listing.id) == 0
    assert buyers_of(listing) == set()
    lead = leads_of(queries.get_batch_of(listing))[0]
    with pytest.raises(Conflict) as refused:
        matches.buy_for(
            contract_id=rich.id, lead_id=lead.id, price_min=1, actor=cast.other_buyer.actor
        )
    assert refused.value.code == "not_on_sale"


def test_a_cap_is_told_and_what_is_left_is_offered_again(cast):
    contract = make_contract(cast.buyer, caps=Caps(leads={Period.DAY: 1}))
    listing = targeted(cast, contract, leads=2)
    assert matches.match_listing(listing_id=listing.id) == 1
    told = [row.refusals for row in db.session.scalars(select(LeadMatch)) if row.refusals]
    assert [list(one) for one in told] == [["cap"]]
    found = met_again(contract, listing)
    assert found is not None
    assert (found[0], len(found[1])) == (listing.id, 1)


def test_another_contract_is_never_led_to_them(cast):
    contract, other = make_contract(cast.buyer), make_contract(cast.other_buyer)
    listing = targeted(cast, contract)
    assert met_again(other, listing) is None


def test_they_are_matched_as_they_come(cast, sweep, run_jobs):
    contract = make_contract(cast.buyer)
    listing = targeted(cast, contract)
    db.session.commit()
    sweep("market.match")
    run_jobs()
    assert buyers_of(listing) == {contract.id}


def test_no_resale_gives_them_to_others(cast):
    """Exclusivity ends after 90 days for everybody's leads; these were never anybody's."""
    contract = make_contract(cast.buyer, criteria=Is("project", "solar"))
    rich = make_contract(cast.other_buyer, price=90_000, age_hours_max=None)
    listing = targeted(cast, contract)
    clock.advance(timedelta(days=91))
    attempts = {
        "targeted": lambda **who: listings.create(batch_id=listing.batch_id, **who),
        "nothing_ripe": lambda **who: listings.offer_aged(
            batch_id=listing.batch_id, price=listing.price, **who
        ),
        "mode_fixed": lambda **who: listings.change(
            listing_id=listing.id, changes={"mode": ListingMode.FIXED}, **who
        ),
    }
    for code, attempt in attempts.items():
        with pytest.raises(Conflict) as refused, db.session.begin_nested():
            attempt(actor=cast.seller.actor)
        assert refused.value.code == code
    assert matches.match_listing(listing_id=listing.id) == 0
    assert met_again(rich, listing) is None


def test_a_source_that_is_refused_sells_nothing_more(cast):
    contract = make_contract(cast.buyer)
    listing = targeted(cast, contract)
    asked = db.session.scalar(select(ContractSource))
    contracts.refuse_source(contract_source_id=asked.id, actor=cast.buyer.actor)
    assert matches.match_listing(listing_id=listing.id) == 0
    row = db.session.scalars(select(LeadMatch)).first()
    assert list(row.refusals) == ["source_refused"]


def test_a_buyer_that_pays_less_than_agreed_gets_nothing(cast):
    contract = make_contract(cast.buyer, price=5_000)
    listing = targeted(cast, contract, price=5_000)
    lower = Money(4_999, contract.price.currency)
    contracts.change(contract_id=contract.id, price=lower, actor=cast.buyer.actor)
    assert matches.match_listing(listing_id=listing.id) == 0
    row = db.session.scalars(select(LeadMatch)).first()
    assert list(row.refusals) == ["price"]


def test_a_contract_that_does_not_run_takes_nothing(cast):
    contract = make_contract(cast.buyer)
    listing = targeted(cast, contract)
    contracts.pause(contract_id=contract.id, actor=cast.buyer.actor)
    assert matches.match_listing(listing_id=listing.id) == 0


def test_the_invariant_sees_a_lead_that_went_astray(cast):
    contract, other = make_contract(cast.buyer), make_contract(cast.other_buyer)
    listing = targeted(cast, contract, leads=1)
    matches.match_listing(listing_id=listing.id)
    line = db.session.scalar(select(OrderLine))
    line.contract_id = other.id
    db.session.flush()
    assert queries.checks.targeted_leads_gone_astray() == [
        f"line {line.id} sold a lead of another contract"
    ]
    line.contract_id = contract.id


def test_the_seller_is_not_told_whom_a_buyer_knows(cast):
    """A person on the buyer's own list and one who was bought before look the same."""
    contract = make_contract(cast.buyer)
    listing = targeted(cast, contract, leads=1)
    (lead,) = leads_of(queries.get_batch_of(listing))
    refused = {str(Refusal.SUPPRESSED): {"contracts": 1, "first": [str(contract.id)]}}
    met = LeadMatch(
        lead_id=lead.id, listing_id=listing.id, terms_version=1, matched_at=clock.now(),
        fitting=1, taken=0, refusals=refused,
    )  # fmt: skip
    db.session.add(met)
    joined = db.session.scalars(select(ContractSource)).one()
    assert queries.why_not_taken(joined, [lead.id]) == {lead.id: Refusal.DUPLICATE}
