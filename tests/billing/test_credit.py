"""Credit limits: two people, the floor of the wallet, what buyer and operator see of it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from exchange.billing import queries
from exchange.billing.models import CreditLimit, CreditStatus
from exchange.billing.services import credit, top_ups
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.errors import Conflict, IllegalTransition, Invalid, NotFound
from exchange.core.money import Currency, Money
from tests.cast import Cast
from tests.factories.billing import fund_wallet, grant_credit
from tests.factories.market import make_listing, place
from tests.sellers.test_views import keep, text_of, words_of


def usd(amount: int) -> Money:
    return Money(amount, Currency.USD)


def propose(cast: Cast, amount: int = 500_00) -> CreditLimit:
    return credit.propose(
        organization_id=cast.buyer.organization.id,
        limit=usd(amount),
        reason="Pays each month",
        actor=cast.finance.actor,
    )


def free(cast: Cast) -> int:
    return queries.spendable(cast.buyer.organization.id, Currency.USD).amount


class TestTwoPeople:
    def test_what_one_proposes_holds_once_another_approves_it(self, cast: Cast):
        fund_wallet(cast.buyer, 20_00)
        found = propose(cast)
        assert free(cast) == 20_00
        credit.approve(credit_limit_id=found.id, actor=cast.admin.actor)
        assert free(cast) == 520_00
        place(cast.buyer, make_listing(cast.seller, leads=2, price=50_00), 2)
        (balances,) = queries.balances(cast.buyer.organization.id)
        assert (balances.wallet, balances.credit_used) == (usd(-80_00), usd(80_00))
        assert (balances.free, free(cast)) == (usd(420_00), 420_00)

    def test_nobody_approves_what_they_proposed(self, cast: Cast):
        found = propose(cast)
        with pytest.raises(Conflict) as refused:
            credit.approve(credit_limit_id=found.id, actor=cast.finance.actor)
        assert refused.value.code == "second_person"
        assert free(cast) == 0

    def test_who_proposed_takes_it_back_and_nothing_is_decided_twice(self, cast: Cast):
        found = credit.decline(credit_limit_id=propose(cast).id, actor=cast.finance.actor)
        assert found.status is CreditStatus.DECLINED
        with pytest.raises(IllegalTransition):
            credit.approve(credit_limit_id=found.id, actor=cast.admin.actor)
        assert propose(cast).status is CreditStatus.PROPOSED

    def test_a_limit_under_what_is_used_is_refused_and_another_one_lowers_it(self, cast: Cast):
        grant_credit(cast, cast.buyer, usd(100_00))
        place(cast.buyer, make_listing(cast.seller, leads=1, price=60_00), 1)
        low = propose(cast, 50_00)
        db.session.commit()
        with pytest.raises(Conflict) as refused:
            credit.approve(credit_limit_id=low.id, actor=cast.admin.actor)
        assert refused.value.code == "credit_used"
        db.session.rollback()
        credit.decline(credit_limit_id=low.id, actor=cast.admin.actor)
        grant_credit(cast, cast.buyer, usd(60_00))
        assert free(cast) == 0

    def test_what_is_no_limit_is_refused(self, cast: Cast):
        for amount in (-1, credit.LIMIT_MAX + 1, 0):
            with pytest.raises(Invalid):
                propose(cast, amount)
        propose(cast)
        with pytest.raises(Conflict) as refused:
            propose(cast, 1_00)
        assert refused.value.code == "credit_waiting"
        with pytest.raises(NotFound):
            credit.propose(
                organization_id=cast.seller.organization.id,
                limit=usd(1_00),
                reason="A seller",
                actor=cast.finance.actor,
            )


class TestPages:
    @pytest.fixture
    def address(self, cast: Cast) -> str:
        return f"/admin/organizations/{cast.buyer.organization.public_id}/credit"

    def test_from_the_proposal_to_the_buyers_wallet(self, app, cast: Cast, address: str):
        finance, admin = (who.sign_in(app.test_client()) for who in (cast.finance, cast.admin))
        organization = address.removesuffix("/credit")
        assert address in text_of(finance.get(organization))
        assert "No limit was ever proposed" in words_of(finance.get(address))
        form = {"limit": "500", "currency": "USD", "reason": "Pays each month"}
        assert finance.post(address, data=form).status_code == 303
        found = db.session.scalars(select(CreditLimit)).one()
        approve = f"{address}/{found.public_id}/approve"
        own = finance.get(address)
        assert approve not in text_of(own)
        assert "You proposed it: somebody else approves it." in words_of(own)
        assert "Somebody else than who" in words_of(finance.post(approve), 409)
        assert approve in text_of(admin.get(address))
        assert admin.post(approve).status_code == 303
        history = words_of(admin.get(address)).split("All so far", maxsplit=1)[1]
        for said in ("$500.00", "Pays each month", cast.finance.user.name, cast.admin.user.name):
            assert said in history
        wallet = words_of(cast.buyer.sign_in(app.test_client()).get("/money/wallet"))
        assert "$0.00 used, $500.00 free to spend in all" in wallet

    def test_what_can_be_spent_is_shown_and_not_what_is_below_nil(self, app, cast: Cast):
        grant_credit(cast, cast.buyer, usd(500_00))
        place(cast.buyer, make_listing(cast.seller, leads=2, price=50_00), 2)
        ours = cast.buyer
        paid = top_ups.start(
            organization_id=ours.organization.id, amount=usd(10_00), actor=ours.actor
        )
        top_ups.credit(top_up_id=paid.id, payment_id="pi", amount=usd(10_00), actor=SYSTEM)
        keep()
        browser = ours.sign_in(app.test_client())
        home = words_of(browser.get("/buyers/"))
        assert "Wallet $410.00 wallet and credit together" in home
        told = words_of(browser.get(f"/money/top-ups/{paid.public_id}"))
        assert "$10.00 is in your wallet. You can spend $410.00 now." in told

    def test_mistakes_are_said_with_the_page(self, app, cast: Cast, address: str):
        finance = cast.finance.sign_in(app.test_client())
        form = {"limit": "0", "currency": "USD", "reason": "None"}
        assert "This is the limit in force." in words_of(finance.post(address, data=form), 422)

    @pytest.mark.parametrize("who", ["buyer", "seller", "verifier"])
    def test_strangers_find_nothing(self, app, cast: Cast, address: str, who: str):
        found = propose(cast)
        keep()
        stranger = getattr(cast, who).sign_in(app.test_client())
        paths = (address, f"{address}/{found.public_id}/approve")
        assert stranger.get(address).status_code == 404
        assert [stranger.post(path).status_code for path in paths] == [404, 404]
        assert free(cast) == 0

    def test_sellers_have_none(self, app, cast: Cast):
        admin = cast.admin.sign_in(app.test_client())
        path = f"/admin/organizations/{cast.seller.organization.public_id}/credit"
        assert admin.get(path).status_code == 404
