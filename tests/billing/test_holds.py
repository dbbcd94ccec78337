from __future__ import annotations

import pytest

from exchange.billing import queries
from exchange.billing.models import Hold, HoldStatus
from exchange.billing.services import holds
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.errors import Conflict, IllegalTransition, InsufficientFunds, NotFound
from exchange.core.events import Event
from tests.billing.books import Deal, amounts, eur, fund, hold
from tests.cast import Cast


class TestPlace:
    def test_money_moves_from_the_wallet_into_one_hold_for_each_sale(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deals = [Deal(cast.buyer, cast.seller), Deal(cast.buyer, cast.seller, eur(2_500))]
        hold(deals)
        assert amounts(cast.buyer) == {"wallet": 17_500, "held": 12_500}
        assert len(queries.holds_of(cast.buyer.organization.id).items) == 2

    def test_repeated_for_the_same_order_it_moves_nothing(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deals = [Deal(cast.buyer, cast.seller)]
        subject = hold(deals)
        hold(deals, subject)
        assert amounts(cast.buyer) == {"wallet": 20_000, "held": 10_000}

    def test_a_repeat_that_names_other_sales_is_refused(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        subject = hold([Deal(cast.buyer, cast.seller)])
        with pytest.raises(Conflict):
            hold([Deal(cast.buyer, cast.seller)], subject)

    def test_too_little_money_changes_nothing_and_says_what_is_missing(self, cast: Cast) -> None:
        fund(cast.buyer, 15_000)
        with pytest.raises(InsufficientFunds) as refused:
            hold([Deal(cast.buyer, cast.seller), Deal(cast.buyer, cast.seller)])
        assert refused.value.facts == {"missing": 5_000, "currency": "EUR"}
        # Not even after a commit of what stood around it: nothing was written.
        db.session.commit()
        assert amounts(cast.buyer) == {"wallet": 15_000}
        assert db.session.query(Hold).count() == 0

    def test_each_currency_is_taken_from_its_own_wallet(self, cast: Cast) -> None:
        fund(cast.buyer, 100)
        with pytest.raises(InsufficientFunds):
            hold([Deal(cast.buyer, cast.seller, price=eur(200))])

    def test_the_order_remembers_who_set_it_aside(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        subject = hold([Deal(cast.buyer, cast.seller)])
        event = db.session.query(Event).filter_by(type="hold.placed").one()
        assert (event.subject, event.facts) == (subject, {"count": 1})


class TestCapture:
    def test_held_money_becomes_the_sellers_pending(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        Deal(cast.buyer, cast.seller).deliver()
        assert amounts(cast.buyer) == {"wallet": 20_000}
        assert amounts(cast.seller) == {"pending": 10_000}

    def test_a_second_capture_finds_nothing_to_do(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver()
        again = holds.capture_all(
            refs=[deal.ref],
            seller_of={deal.ref.id: cast.seller.organization.id},
            actor=SYSTEM,
        )
        assert again == 0
        assert amounts(cast.seller) == {"pending": 10_000}

    def test_only_the_active_ones_of_an_order_move(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        first, second = Deal(cast.buyer, cast.seller).deliver(), Deal(cast.buyer, cast.other_seller)
        second.hold()
        seller_of = {deal.ref.id: deal.seller.organization.id for deal in (first, second)}
        moved = holds.capture_all(refs=[first.ref, second.ref], seller_of=seller_of, actor=SYSTEM)
        assert moved == 1
        assert amounts(cast.other_seller) == {"pending": 10_000}

    def test_a_released_hold_is_never_captured(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).hold()
        holds.release_all(refs=[deal.ref], actor=SYSTEM)
        with pytest.raises(IllegalTransition):
            holds.capture_all(
                refs=[deal.ref],
                seller_of={deal.ref.id: cast.seller.organization.id},
                actor=SYSTEM,
            )
        assert amounts(cast.buyer) == {"wallet": 30_000}

    def test_what_was_never_held_is_not_found(self, cast: Cast) -> None:
        deal = Deal(cast.buyer, cast.seller)
        with pytest.raises(NotFound):
            holds.capture_all(refs=[deal.ref], seller_of={}, actor=SYSTEM)


class TestRelease:
    def test_money_goes_back_to_the_wallet_once(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).hold()
        assert holds.release_all(refs=[deal.ref], actor=SYSTEM) == 1
        assert holds.release_all(refs=[deal.ref], actor=SYSTEM) == 0
        assert amounts(cast.buyer) == {"wallet": 30_000}
        assert db.session.query(Hold).one().status is HoldStatus.RELEASED

    def test_a_captured_hold_is_never_released(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver()
        with pytest.raises(IllegalTransition):
            holds.release_all(refs=[deal.ref], actor=SYSTEM)
        assert amounts(cast.seller) == {"pending": 10_000}
