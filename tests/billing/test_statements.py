from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from exchange.billing import queries
from exchange.billing.models import AccountKind, Reason
from exchange.core import clock
from exchange.core.errors import Malformed, NotFound
from exchange.core.events import Ref
from exchange.core.money import Currency, Money
from tests.billing.books import EUR, Deal, amounts, eur, fund, hold
from tests.cast import Cast
from tests.factories.billing import fund_wallet, grant_credit
from tests.factories.market import make_listing, place


def usd(amount: int) -> Money:
    return Money(amount, Currency.USD)


class TestStatement:
    def test_every_line_has_its_reason_and_the_balance_after_it(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver()
        deal.refund(settled=False)
        lines = queries.statement(cast.buyer.organization.id, kind=AccountKind.WALLET).items
        assert [(line.reason, line.amount.amount, line.balance.amount) for line in lines] == [
            (Reason.REFUNDED, 10_000, 30_000),
            (Reason.HELD, -10_000, 20_000),
            (Reason.TOPPED_UP, 30_000, 30_000),
        ]

    def test_a_posting_with_several_transfers_is_one_line_of_an_account(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        Deal(cast.buyer, cast.seller).deliver().settle()
        lines = queries.statement(cast.seller.organization.id, kind=AccountKind.PENDING).items
        assert [line.amount.amount for line in lines] == [-10_000, 10_000]

    def test_pages_lead_through_all_lines_once(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        hold([Deal(cast.buyer, cast.seller) for _ in range(2)])
        Deal(cast.buyer, cast.seller).hold()
        owner, seen, cursor = cast.buyer.organization.id, [], None
        while True:
            page = queries.statement(owner, cursor, limit=2)
            seen += [(line.posting_id, line.account) for line in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 5
        whole = [(line.posting_id, line.account) for line in queries.whole_statement(owner)]
        assert sorted(whole) == sorted(seen)

    def test_the_newest_balance_is_the_balance(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        Deal(cast.buyer, cast.seller).deliver().settle().refund(3_333, settled=True)
        for player in (cast.buyer, cast.seller):
            last = {
                line.account.value: line.balance.amount
                for line in queries.whole_statement(player.organization.id)
            }
            assert {kind: amount for kind, amount in last.items() if amount} == amounts(player)

    def test_currency_and_time_cut_it_down(self, cast: Cast) -> None:
        fund(cast.buyer, 100)
        clock.advance(timedelta(days=1))
        now = clock.now()
        fund_wallet(cast.buyer, 200, Currency.USD)
        owner = cast.buyer.organization.id
        assert [line.amount for line in queries.statement(owner, currency=EUR).items] == [eur(100)]
        assert len(queries.statement(owner, since=now).items) == 1
        assert len(queries.statement(owner, since=datetime(2100, 1, 1, tzinfo=UTC)).items) == 0

    def test_a_stranger_sees_nothing_of_it(self, cast: Cast) -> None:
        fund(cast.buyer, 100)
        assert queries.statement(cast.other_buyer.organization.id).items == []

    @pytest.mark.parametrize("cursor", ["x", "0" * 63, "z" * 64])
    def test_a_cursor_of_nobody_is_refused(self, cast: Cast, cursor: str) -> None:
        with pytest.raises(Malformed):
            queries.statement(cast.buyer.organization.id, cursor)

    def test_what_a_line_is_about_has_the_id_that_people_see(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        subject = hold([Deal(cast.buyer, cast.seller)])
        line = queries.statement(cast.buyer.organization.id).items[0]
        assert line.subject == subject
        assert line.subject_id == queries.public_id_of(subject)
        assert line.subject_id.startswith("ord_")
        assert queries.public_id_of(Ref("test", subject.id)) == f"test {subject.id}"


class TestJournal:
    def test_it_is_paged_newest_first_and_whole(self, cast: Cast) -> None:
        for _ in range(5):
            fund(cast.buyer, 100)
        first = queries.journal(limit=3)
        rest = queries.journal(cursor=first.next_cursor, limit=3)
        assert (len(first.items), len(rest.items), rest.has_more) == (3, 2, False)
        newest = [entry.id for entry in (*first.items, *rest.items)]
        assert newest == [entry.id for entry in queries.whole_journal()][::-1]

    def test_one_subject_shows_its_whole_story(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver().settle()
        deal.refund(settled=True)
        story = [entry.reason for entry in queries.journal(subject=deal.ref).items]
        assert story[::-1] == [
            Reason.DELIVERED,
            Reason.SALE_SETTLED,
            Reason.SALE_REVERSED,
            Reason.REFUNDED,
        ]

    def test_a_cursor_of_nobody_is_not_found(self, cast: Cast) -> None:
        with pytest.raises(NotFound):
            queries.journal(cursor="pst_x")


class TestBalancePill:
    def test_a_buyer_who_never_paid_in_is_empty(self, cast: Cast) -> None:
        pill = queries.balance_pill(cast.buyer.organization)
        assert pill == queries.BalancePill(Money(0, Currency.USD), "empty")

    def test_without_a_top_up_it_is_what_can_be_spent(self, cast: Cast) -> None:
        fund_wallet(cast.buyer, 1_00, Currency.EUR)
        grant_credit(cast, cast.buyer, usd(500_00))
        listing = make_listing(cast.seller, leads=10, price=50_00)
        for leads, left in ((0, 500_00), (2, 400_00), (8, 1_00)):
            if leads:
                place(cast.buyer, listing, leads)
            pill = queries.balance_pill(cast.buyer.organization)
            assert pill
            assert (pill.amount.amount, pill.state) == (left, "enough")
        assert pill.amount.currency is Currency.EUR

    def test_who_has_spent_all_of_the_credit_is_empty(self, cast: Cast) -> None:
        grant_credit(cast, cast.buyer, usd(100_00))
        place(cast.buyer, make_listing(cast.seller, leads=2, price=50_00), 2)
        pill = queries.balance_pill(cast.buyer.organization)
        assert pill == queries.BalancePill(usd(0), "empty")

    def test_sellers_have_none(self, cast: Cast) -> None:
        assert queries.balance_pill(cast.seller.organization) is None
