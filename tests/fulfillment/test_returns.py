"""Returns: asked for, decided by rule, by a person or by silence, objected to, arbitrated."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.catalog.policies import ReturnReason
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, save
from exchange.core.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from exchange.core.events import Event, Ref, record
from exchange.core.ids import uuid7
from exchange.core.money import Currency
from exchange.fulfillment import queries
from exchange.fulfillment.models import LeadReturn, ReturnOutcome, ReturnStatus
from exchange.fulfillment.services import returns, settlements
from exchange.identity import services as identity
from exchange.leads.models import Lead, LeadKind, LeadStatus, SuppressionEntry
from exchange.leads.people import suppressed_leads
from exchange.market.models import LineStatus, OrderLine
from exchange.verification.models import (
    Inspection,
    InspectionPurpose,
    InspectionStatus,
    OutcomeClass,
)
from tests.factories.billing import fund_wallet
from tests.factories.fulfillment import buy, fresh, make_line, make_return, pass_time
from tests.factories.leads import make_person
from tests.factories.market import make_listing, place

PRICE = 45_00
WALLET = 100_000_00
APPROVED, DENIED = ReturnOutcome.APPROVED, ReturnOutcome.DENIED


def balance(player, kind: AccountKind) -> int:
    return billing.balance(player.organization.id, kind, Currency.USD).amount


def lead_of(line: OrderLine) -> Lead:
    return fresh(db.session.get(Lead, line.lead_id))


def decide(cast, made: LeadReturn, outcome: ReturnOutcome) -> LeadReturn:
    return returns.decide(
        return_id=made.id, outcome=outcome, explanation="As said.", actor=cast.admin.actor
    )


def conclude(lead_id, *, outcome: OutcomeClass, code: str) -> None:
    """A check that was concluded, written as verification does."""
    lead = db.session.get(Lead, lead_id)
    save(
        Inspection(
            purpose=InspectionPurpose.RETURN,
            ref_kind="return",
            ref_id=uuid7(),
            lead_id=lead.id,
            organization_id=lead.organization_id,
            vertical_id=lead.vertical_id,
            status=InspectionStatus.CONCLUDED,
            outcome=outcome,
            code=code,
            concluded_at=clock.now(),
        )
    )


def hear_of_check(lead_id, *, outcome: str = "bad", purpose: str = "full_inspection") -> None:
    """The event by which verification tells that a check was concluded."""
    record(
        "inspection.concluded",
        subject=Ref("inspection", uuid7()),
        actor=SYSTEM,
        purpose=purpose,
        ref_kind="batch",
        ref_id=str(uuid7()),
        lead_id=str(lead_id),
        outcome=outcome,
        code="number_dead",
    )


class TestRequest:
    def test_waits_for_a_person_with_a_deadline(self, cast):
        made = make_return(cast)
        assert made.status is ReturnStatus.IN_RECHECK
        assert made.outcome is None
        assert timedelta(hours=24) <= made.decide_by - clock.now() <= timedelta(hours=72)
        assert balance(cast.buyer, AccountKind.WALLET) == 0

    def test_is_an_event_of_the_buyer(self, cast):
        made = make_return(cast)
        statement = select(Event).where(Event.subject_id == made.id).order_by(Event.id)
        events = db.session.scalars(statement).all()
        assert [event.type for event in events] == ["return.requested", "return.in_recheck"]
        assert {e.organization_id for e in events} == {cast.buyer.organization.id}

    def test_a_second_time_is_refused(self, cast):
        line = make_line(cast)
        make_return(cast, line)
        with pytest.raises(Conflict) as refused:
            make_return(cast, line)
        assert refused.value.code == "already_requested"

    def test_after_a_denial_it_is_refused_too(self, cast):
        line = make_line(cast)
        decide(cast, make_return(cast, line), DENIED)
        with pytest.raises(Conflict):
            make_return(cast, line)

    def test_strangers_find_no_line(self, cast):
        line = make_line(cast)
        for stranger in (cast.other_buyer, cast.seller):
            with pytest.raises(NotFound):
                returns.request_return(line_id=line.id, reason="fictitious", actor=stranger.actor)

    def test_after_the_window_it_is_too_late(self, cast):
        line = make_line(cast)
        pass_time()
        with pytest.raises(Gone) as refused:
            make_return(cast, line)
        assert refused.value.code == "window_closed"

    def test_after_the_settlement_it_is_too_late(self, cast):
        line = make_line(cast)
        pass_time()
        settlements.settle_order(order_id=line.order_id, actor=SYSTEM)
        fresh(line)
        with pytest.raises(Gone):
            make_return(cast, line)

    def test_at_the_last_moment_it_is_in_time(self, cast):
        line = make_line(cast)
        pass_time(timedelta(hours=71, minutes=59))
        assert make_return(cast, line).status is ReturnStatus.IN_RECHECK

    @pytest.mark.parametrize("reason", ["not_interested", "failed_check", "whatever", ""])
    def test_what_is_not_covered_is_refused(self, cast, reason):
        with pytest.raises(Invalid) as refused:
            make_return(cast, reason=reason)
        assert refused.value.errors[0].code == "reason_not_covered"

    def test_other_needs_words(self, cast):
        line = make_line(cast)
        with pytest.raises(Invalid):
            make_return(cast, line, reason=ReturnReason.OTHER)
        made = returns.request_return(
            line_id=line.id, reason="other", note=" Speaks of a rival. ", actor=cast.buyer.actor
        )
        assert made.note == "Speaks of a rival."


class TestAutomaticDecisions:
    def make_repeat(self, cast) -> OrderLine:
        """A line whose person the buyer had bought, past the guard that orders have against it."""
        person = make_person()
        (first,) = buy(cast.buyer, make_listing(cast.seller, people=[person]))
        clock.advance(timedelta(days=61))
        (second,) = buy(cast.buyer, make_listing(cast.other_seller, people=[person]))
        recent = clock.now() - timedelta(days=10)
        moved = update(OrderLine).where(OrderLine.id == first.id).values(created_at=recent)
        db.session.execute(moved)
        return second

    def test_a_person_bought_before_is_refunded_at_once(self, cast):
        line = self.make_repeat(cast)
        made = make_return(cast, line, reason=ReturnReason.DUPLICATE)
        assert (made.status, made.outcome) == (ReturnStatus.AUTO_DECIDED, APPROVED)
        assert len(made.evidence["earlier_lines"]) == 1
        assert balance(cast.buyer, AccountKind.WALLET) == PRICE
        assert fresh(line).status is LineStatus.RETURNED

    def test_its_slot_is_free_for_others(self, cast):
        line = self.make_repeat(cast)
        make_return(cast, line, reason=ReturnReason.DUPLICATE)
        lead = lead_of(line)
        assert (lead.status, lead.sold, fresh(line).slot) == (LeadStatus.VALID, 0, None)

    def test_a_repeat_that_is_not_found_goes_to_a_person(self, cast):
        made = make_return(cast, reason=ReturnReason.DUPLICATE)
        assert made.status is ReturnStatus.IN_RECHECK
        assert made.evidence == {"earlier_lines": []}

    @pytest.mark.parametrize("code", ["number_dead", "wrong_person"])
    def test_a_number_that_a_check_found_wrong_is_refunded_at_once(self, cast, code):
        line = make_line(cast)
        conclude(line.lead_id, outcome=OutcomeClass.BAD, code=code)
        made = make_return(cast, line, reason=ReturnReason.NUMBER_WRONG)
        assert (made.status, made.outcome) == (ReturnStatus.AUTO_DECIDED, APPROVED)
        assert made.evidence == {"outcome": "bad", "code": code}
        lead = lead_of(line)
        assert (lead.status, lead.sold) == (LeadStatus.QUARANTINED, 1)

    @pytest.mark.parametrize(
        ("outcome", "code"),
        [(OutcomeClass.GOOD, "confirmed"), (OutcomeClass.BAD, "denies"),
         (OutcomeClass.OPEN, "not_reached")],
    )  # fmt: skip
    def test_other_findings_leave_it_to_a_person(self, cast, outcome, code):
        line = make_line(cast)
        conclude(line.lead_id, outcome=outcome, code=code)
        made = make_return(cast, line, reason=ReturnReason.NUMBER_WRONG)
        assert made.status is ReturnStatus.IN_RECHECK
        assert made.evidence["code"] == code


class TestDecide:
    def test_approval_gives_the_whole_price_back(self, cast):
        line = make_line(cast)
        made = decide(cast, make_return(cast, line), APPROVED)
        assert made.status is ReturnStatus.DECIDED
        assert made.decided_by_id == cast.admin.user.id
        assert (fresh(line).status, line.refunded) == (LineStatus.RETURNED, PRICE)
        assert balance(cast.buyer, AccountKind.WALLET) == PRICE
        assert balance(cast.seller, AccountKind.PENDING) == 0

    def test_denial_moves_nothing(self, cast):
        line = make_line(cast)
        made = decide(cast, make_return(cast, line), DENIED)
        assert (made.status, made.outcome) == (ReturnStatus.DECIDED, DENIED)
        assert fresh(line).status is LineStatus.DELIVERED
        assert balance(cast.buyer, AccountKind.WALLET) == 0

    @pytest.mark.parametrize("first", [APPROVED, DENIED])
    @pytest.mark.parametrize("second", [APPROVED, DENIED])
    def test_is_made_once(self, cast, first, second):
        made = decide(cast, make_return(cast), first)
        wallet = balance(cast.buyer, AccountKind.WALLET)
        with pytest.raises(Conflict) as refused, db.session.begin_nested():
            decide(cast, made, second)
        assert refused.value.code == "already_decided"
        assert balance(cast.buyer, AccountKind.WALLET) == wallet

    def test_half_a_lead_is_not_refunded(self, cast):
        with pytest.raises(Invalid):
            decide(cast, make_return(cast), ReturnOutcome.PARTIAL)

    def test_without_words_it_is_refused(self, cast):
        made = make_return(cast)
        with pytest.raises(Invalid):
            returns.decide(
                return_id=made.id, outcome=APPROVED, explanation=" ", actor=cast.admin.actor
            )

    def test_only_the_operator_decides(self, cast):
        made = make_return(cast)
        for player in (cast.buyer, cast.seller, cast.verifier):
            with pytest.raises(Forbidden):
                returns.decide(
                    return_id=made.id, outcome=APPROVED, explanation="Mine.", actor=player.actor
                )

    @pytest.mark.parametrize("reason", [ReturnReason.FICTITIOUS, ReturnReason.NEVER_REQUESTED])
    def test_a_bad_lead_is_not_sold_again(self, cast, reason):
        line = make_line(cast)
        decide(cast, make_return(cast, line, reason=reason), APPROVED)
        assert (lead_of(line).status, lead_of(line).sold) == (LeadStatus.QUARANTINED, 1)

    @pytest.mark.parametrize(
        "reason", [ReturnReason.OUTSIDE_CRITERIA, ReturnReason.LANGUAGE_BARRIER]
    )
    def test_what_only_this_buyer_minds_frees_the_slot(self, cast, reason):
        line = make_line(cast)
        decide(cast, make_return(cast, line, reason=reason), APPROVED)
        assert (lead_of(line).status, lead_of(line).sold) == (LeadStatus.VALID, 0)

    def test_a_slot_given_back_is_sold_to_the_next_buyer_and_not_to_the_same(self, cast):
        listing = make_listing(cast.seller, leads=1, kind=LeadKind.SHARED, sales_max=3)
        (first,), (second,) = buy(cast.buyer, listing), buy(cast.other_buyer, listing)
        made = make_return(cast, first, reason=ReturnReason.OUTSIDE_CRITERIA)
        decide(cast, made, APPROVED)
        identity.approve_organization(organization_id=cast.newcomer.organization.id, actor=SYSTEM)
        (third,) = buy(cast.newcomer, listing)
        assert (fresh(second).slot, fresh(third).slot) == (1, 0)
        with pytest.raises(Gone):
            place(cast.buyer, listing)

    def test_who_must_not_be_called_is_suppressed_everywhere(self, cast):
        line = make_line(cast)
        decide(cast, make_return(cast, line, reason=ReturnReason.DO_NOT_CALL), APPROVED)
        assert suppressed_leads([line.lead_id]) == {line.lead_id}
        assert db.session.scalars(select(SuppressionEntry)).first() is not None


class TestSilence:
    def test_lets_the_buyer_be_right(self, cast):
        made = make_return(cast)
        pass_time()
        returns.expire(return_id=made.id)
        assert (made.outcome, made.explanation) == (APPROVED, returns.SILENCE)
        assert balance(cast.buyer, AccountKind.WALLET) == PRICE

    def test_not_before_the_deadline(self, cast):
        made = make_return(cast)
        returns.expire(return_id=made.id)
        assert made.status is ReturnStatus.IN_RECHECK

    def test_twice_pays_once(self, cast):
        made = make_return(cast)
        pass_time()
        for _ in range(2):
            returns.expire(return_id=made.id)
        assert balance(cast.buyer, AccountKind.WALLET) == PRICE

    def test_a_decided_return_is_left_alone(self, cast):
        made = decide(cast, make_return(cast), DENIED)
        pass_time()
        returns.expire(return_id=made.id)
        assert made.outcome is DENIED


class TestContest:
    def contest(self, cast, made, player=None):
        return returns.contest_return(
            return_id=made.id,
            explanation="The person answered us twice.",
            actor=(player or cast.seller).actor,
        )

    def test_the_buyer_keeps_the_money_meanwhile(self, cast):
        made = self.contest(cast, decide(cast, make_return(cast), APPROVED))
        assert made.status is ReturnStatus.CONTESTED
        assert made.decide_by > clock.now()
        assert balance(cast.buyer, AccountKind.WALLET) == PRICE

    def test_only_the_seller_of_the_lead_objects(self, cast):
        made = decide(cast, make_return(cast), APPROVED)
        for player in (cast.other_seller, cast.buyer):
            with pytest.raises(NotFound):
                self.contest(cast, made, player)

    def test_against_a_denial_there_is_nothing_to_say(self, cast):
        made = decide(cast, make_return(cast), DENIED)
        with pytest.raises(Conflict) as refused:
            self.contest(cast, made)
        assert refused.value.code == "nothing_to_contest"

    def test_an_undecided_return_cannot_be_contested(self, cast):
        with pytest.raises(Conflict):
            self.contest(cast, make_return(cast))

    def test_after_three_days_it_is_too_late(self, cast):
        made = decide(cast, make_return(cast), APPROVED)
        pass_time()
        with pytest.raises(Gone) as refused:
            self.contest(cast, made)
        assert refused.value.code == "contest_closed"

    def test_a_second_time_is_refused(self, cast):
        made = self.contest(cast, decide(cast, make_return(cast), APPROVED))
        with pytest.raises(Conflict):
            self.contest(cast, made)

    def test_the_last_word_for_the_buyer_moves_nothing(self, cast):
        made = self.contest(cast, decide(cast, make_return(cast), APPROVED))
        returns.arbitrate(
            return_id=made.id, outcome=APPROVED, explanation="No trace.", actor=cast.admin.actor
        )
        assert (made.status, made.outcome) == (ReturnStatus.ARBITRATED, APPROVED)
        assert balance(cast.seller, AccountKind.PAYABLE) == 0

    @pytest.mark.parametrize("settled", [False, True])
    def test_the_last_word_for_the_seller_is_paid_by_the_exchange(self, cast, settled):
        line = make_line(cast)
        if settled:
            pass_time()
            settlements.settle_order(order_id=line.order_id, actor=SYSTEM)
            hear_of_check(line.lead_id)
            made = queries.find_return_of_line(line.id)
        else:
            made = decide(cast, make_return(cast, line), APPROVED)
        self.contest(cast, made)
        returns.arbitrate(
            return_id=made.id, outcome=DENIED, explanation="It was real.", actor=cast.admin.actor
        )
        assert (made.status, made.outcome) == (ReturnStatus.ARBITRATED, DENIED)
        assert balance(cast.buyer, AccountKind.WALLET) == PRICE
        assert balance(cast.seller, AccountKind.PAYABLE) == PRICE - 8_10
        lost = billing.platform_balance(AccountKind.WRITE_OFF, Currency.USD)
        assert lost.amount == -(PRICE - 8_10)
        assert fresh(line).status is LineStatus.RETURNED

    def test_arbitration_needs_an_objection_and_happens_once(self, cast):
        made = decide(cast, make_return(cast), APPROVED)
        words = {"explanation": "So be it.", "actor": cast.admin.actor}
        with pytest.raises(Conflict) as refused:
            returns.arbitrate(return_id=made.id, outcome=DENIED, **words)
        assert refused.value.code == "not_contested"
        self.contest(cast, made)
        returns.arbitrate(return_id=made.id, outcome=DENIED, **words)
        with pytest.raises(Conflict):
            returns.arbitrate(return_id=made.id, outcome=DENIED, **words)

    def test_silence_about_an_objection_leaves_the_money_with_the_buyer(self, cast):
        made = self.contest(cast, decide(cast, make_return(cast), APPROVED))
        pass_time()
        returns.expire(return_id=made.id)
        assert (made.status, made.outcome) == (ReturnStatus.ARBITRATED, APPROVED)
        returns.close(return_id=made.id)
        assert made.status is ReturnStatus.CLOSED


class TestFailedCheck:
    def test_every_holder_is_refunded_without_a_claim(self, cast):
        listing = make_listing(cast.seller, leads=1, kind=LeadKind.SHARED, sales_max=3)
        lines = [*buy(cast.buyer, listing), *buy(cast.other_buyer, listing)]
        hear_of_check(lines[0].lead_id)
        for line in lines:
            made = queries.find_return_of_line(line.id)
            assert (made.reason, made.status) == ("failed_check", ReturnStatus.AUTO_DECIDED)
            assert made.evidence["code"] == "number_dead"
            assert fresh(line).status is LineStatus.RETURNED
        for player in (cast.buyer, cast.other_buyer):
            assert balance(player, AccountKind.WALLET) == PRICE
        lead = lead_of(lines[0])
        assert (lead.status, lead.sold) == (LeadStatus.QUARANTINED, 2)

    def test_after_the_settlement_the_seller_gives_it_back(self, cast):
        line = make_line(cast)
        pass_time()
        settlements.settle_order(order_id=line.order_id, actor=SYSTEM)
        hear_of_check(line.lead_id)
        assert fresh(line).status is LineStatus.RETURNED
        assert balance(cast.buyer, AccountKind.WALLET) == PRICE
        assert balance(cast.seller, AccountKind.PAYABLE) == 0
        assert billing.platform_balance(AccountKind.COMMISSION, Currency.USD).amount == 0

    def test_an_open_return_is_answered_by_it(self, cast):
        line = make_line(cast)
        made = make_return(cast, line)
        hear_of_check(line.lead_id)
        assert (made.status, made.outcome) == (ReturnStatus.DECIDED, APPROVED)
        assert made.reason == ReturnReason.FICTITIOUS
        assert queries.find_return_of_line(line.id) is made

    def test_a_denied_return_does_not_stand_in_its_way(self, cast):
        line = make_line(cast)
        decide(cast, make_return(cast, line), DENIED)
        hear_of_check(line.lead_id)
        assert queries.find_return_of_line(line.id).reason == "failed_check"
        assert fresh(line).status is LineStatus.RETURNED

    def test_a_second_check_refunds_nothing_more(self, cast):
        line = make_line(cast)
        for _ in range(2):
            hear_of_check(line.lead_id)
        assert balance(cast.buyer, AccountKind.WALLET) == PRICE

    @pytest.mark.parametrize(("outcome", "purpose"), [("good", "return"), ("bad", "gold")])
    def test_good_ones_and_planted_ones_change_nothing(self, cast, outcome, purpose):
        line = make_line(cast)
        hear_of_check(line.lead_id, outcome=outcome, purpose=purpose)
        assert fresh(line).status is LineStatus.DELIVERED

    def test_the_seller_may_object_as_to_any_return(self, cast):
        line = make_line(cast)
        hear_of_check(line.lead_id)
        made = queries.find_return_of_line(line.id)
        returns.contest_return(
            return_id=made.id, explanation="We have the call.", actor=cast.seller.actor
        )
        assert made.status is ReturnStatus.CONTESTED


class TestQueries:
    def test_each_side_sees_its_own(self, cast):
        made = make_return(cast)
        for player in (cast.buyer, cast.seller):
            assert queries.get_return(made.id, viewer=player.organization.id) is made
        for stranger in (cast.other_buyer, cast.other_seller):
            with pytest.raises(NotFound):
                queries.get_return(made.id, viewer=stranger.organization.id)
        assert list(queries.returns_of_seller(cast.seller.organization.id).items) == [made]
        assert list(queries.returns_of_buyer(cast.buyer.organization.id).items) == [made]
        assert not queries.returns_of_buyer(cast.seller.organization.id).items

    def test_staff_see_the_most_urgent_first(self, cast):
        later = make_return(cast)
        pass_time(timedelta(minutes=1))
        sooner = make_return(cast)
        sooner.decide_by = later.decide_by - timedelta(hours=1)
        db.session.flush()
        assert list(queries.most_urgent()) == [sooner, later]
        decide(cast, sooner, DENIED)
        assert list(queries.most_urgent()) == [later]
        assert list(queries.returns_to_decide().items) == [later]

    def test_rules_are_those_that_were_agreed_to(self, cast):
        line = make_line(cast)
        rules = queries.rules_of(line)
        assert rules.terms.return_window_hours == 72
        assert ReturnReason.FICTITIOUS in rules.reasons
        assert rules.window_until == line.window_until

    def test_the_share_of_returns_of_a_seller(self, cast):
        since = clock.now() - timedelta(days=30)
        fund_wallet(cast.buyer, WALLET)
        lines = buy(cast.buyer, make_listing(cast.seller, leads=4), 4)
        decide(cast, make_return(cast, lines[0]), APPROVED)
        assert queries.return_share(cast.seller.organization.id, since=since) == (1, 4)
