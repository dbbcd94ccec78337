"""Decision 9: whatever check finds a sold lead bad, each holder has the money back at once."""

from __future__ import annotations

import pytest

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.catalog.scripts import Outcome
from exchange.core.actors import SYSTEM
from exchange.core.events import Ref
from exchange.core.ids import uuid7
from exchange.fulfillment import queries
from exchange.fulfillment.models import ReturnOutcome, ReturnStatus
from exchange.fulfillment.services import returns
from exchange.leads import queries as leads
from exchange.leads.models import BatchStatus, LeadKind, LeadStatus
from exchange.market.models import LineStatus, OrderLine
from exchange.verification.models import Inspection, InspectionPurpose, OutcomeClass
from exchange.verification.services import inspections, samples, tasks
from tests.cast import Cast
from tests.factories.fulfillment import buy, fresh, make_line
from tests.factories.leads import make_batch
from tests.factories.market import make_listing

P = InspectionPurpose
# These have ends of their own, which are tried with their lots and their money.
OWN_ENDS = [P.SAMPLE, P.SOURCE, P.FULL_INSPECTION]
LATE = sorted(set(P) - {P.GOLD, *OWN_ENDS}, key=str)


def find(line: OrderLine, purpose: InspectionPurpose, outcome: OutcomeClass) -> Inspection:
    """A check of the line's lead comes to this end."""
    (question,) = inspections.request_inspection(
        lead_ids=[line.lead_id], purpose=purpose, ref=Ref("tests", uuid7()), actor=SYSTEM
    )
    tasks.cancel(inspections=[Inspection.id == question.id], parent=question, actor=SYSTEM)
    code = Outcome.NUMBER_DEAD if outcome is OutcomeClass.BAD else Outcome.CONFIRMED
    inspections.conclude(question, outcome=outcome, code=code, actor=SYSTEM)
    samples.settle(question, actor=SYSTEM)
    return question


@pytest.mark.parametrize("purpose", LATE)
def test_a_bad_lead_is_refunded_whole_with_its_evidence(cast: Cast, purpose: P) -> None:
    line = make_line(cast)
    find(line, purpose, OutcomeClass.BAD)
    assert fresh(line).status is LineStatus.RETURNED
    assert line.refunded == line.price.amount
    made = queries.find_return_of_line(line.id)
    assert made is not None
    assert (made.reason, made.outcome) == ("failed_check", ReturnOutcome.APPROVED)
    assert made.evidence == {"outcome": "bad", "code": "number_dead", "purpose": purpose.value}
    assert leads.get_lead(line.lead_id).status is LeadStatus.QUARANTINED


@pytest.mark.parametrize("purpose", OWN_ENDS)
def test_a_conclusion_alone_refunds_after_the_decision(cast: Cast, purpose: P) -> None:
    """The refund hangs on the event that all share."""
    line = make_line(cast)
    (question,) = inspections.request_inspection(
        lead_ids=[line.lead_id], purpose=P.RETURN, ref=Ref("tests", uuid7()), actor=SYSTEM
    )
    tasks.cancel(inspections=[Inspection.id == question.id], parent=question, actor=SYSTEM)
    question.purpose = purpose
    inspections.conclude(question, outcome=OutcomeClass.BAD, code=Outcome.NUMBER_DEAD, actor=SYSTEM)
    question.purpose = P.RETURN
    assert fresh(line).status is LineStatus.RETURNED


@pytest.mark.parametrize("purpose", sorted(P, key=str))
@pytest.mark.parametrize("outcome", [OutcomeClass.GOOD, OutcomeClass.OPEN])
def test_no_other_answer_gives_money_back(cast: Cast, purpose: P, outcome: OutcomeClass) -> None:
    if purpose in OWN_ENDS:
        purpose = P.RETURN
    line = make_line(cast)
    find(line, purpose, outcome)
    assert fresh(line).status is LineStatus.DELIVERED


def test_gold_says_nothing_of_the_lead(cast: Cast) -> None:
    line = make_line(cast)
    find(line, P.GOLD, OutcomeClass.BAD)
    assert fresh(line).status is LineStatus.DELIVERED
    assert leads.get_lead(line.lead_id).status is LeadStatus.VALID


def test_every_holder_is_refunded(cast: Cast) -> None:
    listing = make_listing(cast.seller, leads=1, kind=LeadKind.SHARED)
    (first,) = buy(cast.buyer, listing)
    (second,) = buy(cast.other_buyer, listing)
    find(first, P.FOLLOW_UP, OutcomeClass.BAD)
    assert {fresh(first).status, fresh(second).status} == {LineStatus.RETURNED}
    for player in (cast.buyer, cast.other_buyer):
        left = billing.balance(player.organization.id, AccountKind.WALLET, first.price.currency)
        assert left == first.price


def test_a_second_bad_answer_refunds_nobody_twice(cast: Cast) -> None:
    line = make_line(cast)
    find(line, P.FOLLOW_UP, OutcomeClass.BAD)
    find(line, P.RETURN, OutcomeClass.BAD)
    left = billing.balance(cast.buyer.organization.id, AccountKind.WALLET, line.price.currency)
    assert left == line.price


def test_the_seller_may_contest_as_with_any_return(cast: Cast) -> None:
    line = make_line(cast)
    find(line, P.FOLLOW_UP, OutcomeClass.BAD)
    made = queries.find_return_of_line(line.id)
    assert made is not None
    returns.contest_return(
        return_id=made.id, explanation="We called them today.", actor=cast.seller.actor
    )
    assert fresh(made).status is ReturnStatus.CONTESTED


@pytest.mark.parametrize(
    ("purpose", "waits"), [(P.DOUBLE, True), (P.FOLLOW_UP, True), (P.RETURN, False)]
)
def test_what_decides_a_lot_waits_for_its_decision(cast: Cast, purpose: P, waits: bool) -> None:
    """A lot that sells while it is checked: a return is answered, the sample is not given away."""
    batch = make_batch(cast.seller, leads=2)
    (line,) = buy(cast.buyer, make_listing(cast.seller, batch))
    batch.status = BatchStatus.SAMPLING
    find(line, purpose, OutcomeClass.BAD)
    status = LineStatus.DELIVERED if waits else LineStatus.RETURNED
    assert fresh(line).status is status
    assert (leads.get_lead(line.lead_id).status is LeadStatus.VALID) is waits
    batch.status = BatchStatus.ACCEPTED
