"""Whatever bidders do, an auction ends as twenty lines say that it should, to the cent."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.core.money import Currency
from exchange.identity.permissions import OrganizationKind
from exchange.market import queries
from exchange.market.auction_proof import verify
from exchange.market.services import bids
from tests.cast import make_company
from tests.factories.auctions import bid, close, make_auction
from tests.factories.billing import fund_wallet
from tests.factories.market import make_listing

FLOOR, WALLET, LEADS, BUYERS = 45_00, 100_000_00, 6, 3
# A bidder, an amount (None: withdraw) and how many leads.
deeds = st.lists(
    st.tuples(
        st.integers(0, BUYERS - 1),
        st.one_of(st.none(), st.integers(FLOOR, FLOOR + 3)),
        st.integers(1, 4),
    ),
    max_size=9,
)


def reference(done, offered):
    """By bidder, how many leads are won at what price."""
    last = {}
    for arrival, (bidder, amount, units) in enumerate(done):
        last.pop(bidder, None)
        if amount is not None:
            last[bidder] = (amount, arrival, units)
    won = {}
    while offered and last:
        best = max(last, key=lambda one: (last[one][0], -last[one][1]))
        amount, _, units = last.pop(best)
        won[best] = (min(units, offered), amount)
        offered -= won[best][0]
    return won


def balance(player, kind=AccountKind.WALLET) -> int:
    return billing.balance(player.organization.id, kind, Currency.USD).amount


def test_it_ends_as_the_reference_says(cast):
    buyers = [
        make_company(f"bidder{n}@model.example", OrganizationKind.BUYER, f"Bidder {n}")
        for n in range(BUYERS)
    ]
    for buyer in buyers:
        fund_wallet(buyer, WALLET)

    @settings(max_examples=12, deadline=None)
    @given(deeds, st.integers(1, LEADS + 2))
    def run(asked, units):
        auction = make_auction(
            cast.seller, make_listing(cast.seller, leads=LEADS, price=FLOOR), units=units
        )
        before = [balance(buyer) for buyer in buyers]
        done = [deed for deed in asked if perform(buyers, auction, deed)]
        close(auction)
        won = reference(done, min(units, LEADS))
        found = {
            one.organization_id: (one.units_won, one.amount)
            for one in queries.opened_bids(auction.id)
            if one.units_won
        }
        assert found == {buyers[n].organization.id: what for n, what in won.items()}
        for n, buyer in enumerate(buyers):
            count, price = won.get(n, (0, 0))
            assert balance(buyer) == before[n] - count * price
            assert balance(buyer, AccountKind.HELD) == 0
        assert verify(queries.auction_proof(auction)) == []

    run()


def perform(buyers, auction, deed) -> bool:
    """Do it where it can be done: whoever has no bid cannot withdraw one."""
    number, amount, units = deed
    buyer = buyers[number]
    if amount is not None:
        bid(buyer, auction, amount, min(units, auction.units))
        return True
    standing = bids.standing_bid(auction.id, buyer.organization.id)
    if standing is not None:
        bids.withdraw(bid_id=standing.id, actor=buyer.actor)
    return standing is not None
