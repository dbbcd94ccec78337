"""A contract that pays for actions, over HTTP and to the cent: decision 19 from the first lead on.

Forty leads come as far as the pool can grow for them, stop, and go on after a top-up. Six actions
are reported, one of them twice: four are approved, one is rejected, one is left past its day and
the contract's own rule approves it. A seventh is reported after the window. The sums are those of
docs/ledger.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from exchange.billing.models import AccountKind
from exchange.core.db import db
from exchange.core.money import Currency, Money
from exchange.market.contract_models import Contract
from exchange.market.contract_terms import ActionTerms, Terms
from exchange.market.models import (
    LineStatus,
    ListingMode,
    Order,
    OrderLine,
    OrderStatus,
    PricingModel,
)
from exchange.market.services import contracts
from tests.cast import Cast
from tests.factories.catalog import make_vertical
from tests.factories.market import make_listing
from tests.journeys.test_loop import Browser, Json, Story, flatten, step_aside
from tests.servers.stripe_sandbox import StripeSandbox

PRICE, LEADS = 50_00, 40
FIRST = 27  # with 400.00: so many leads will hardly bring more than eight actions
TERMS = ActionTerms("signed application", attribution_days=21, decision_days=7)
DAY = 86_400
K = AccountKind


@pytest.fixture
def story(
    client: FlaskClient, cast: Cast, stripe: StripeSandbox, post_events: Callable[[], int]
) -> Story:
    keys = {
        "seller": cast.seller.key("batch:read", "money:read"),
        "buyer": cast.buyer.key(
            "order:read", "conversion:report", "wallet:top_up", "money:read", "contact:open"
        ),
        "admin": cast.admin.key("clock:move"),
    }
    return Story(client, cast, stripe, post_events, keys)


def test_forty_leads_from_the_first_pool_to_the_last_cent(story: Story) -> None:
    contract = sell_and_ask(story)
    deliver_until_it_stops_and_go_on(story, contract)
    actions = report_six(story)
    decide(story, actions)
    leave_one_undecided(story, actions[5])
    report_too_late(story)
    end(story)
    seen_by_the_seller(story)


def has(story: Story, **wanted: int) -> None:
    """Every balance of both sides and the house's share, in cents; what is not named is nil."""
    buyer, seller = story.cast.buyer, story.cast.seller
    found = {
        "wallet": story.balance(K.WALLET, buyer),
        "held": story.balance(K.HELD, buyer),
        "owed": story.balance(K.BUYER_DEBT, buyer),
        "pending": story.balance(K.PENDING, seller),
        "reserve": story.balance(K.RESERVE, seller),
        "payable": story.balance(K.PAYABLE, seller),
        "commission": story.balance(K.COMMISSION),
    }
    assert {name: amount for name, amount in found.items() if amount} == wanted


def sell_and_ask(story: Story) -> Contract:
    buyer, vertical = story.cast.buyer, make_vertical()
    contract = contracts.draft(
        vertical_code=vertical.code,
        name="Signed applications",
        price=Money(PRICE, Currency.USD),
        pricing_model=PricingModel.CPA,
        content=Terms(time_zone=vertical.time_zone, action=TERMS).to_json(),
        actor=buyer.actor,
    )
    contracts.activate(contract_id=contract.id, actor=buyer.actor)
    listing = make_listing(story.cast.seller, leads=LEADS, price=45_00)
    listing.mode = ListingMode.CONTRACTS
    db.session.commit()
    story.work()
    has(story)
    assert lines(story) == []  # without money nothing comes
    assert limit_of(contract) == "funds"
    return contract


def top_up(story: Story, amount: int) -> None:
    asked = {"amount": {"amount": amount, "currency": "USD"}}
    started = story.send("buyer", "POST", "/top_ups", json=asked)
    paid = set(flatten(story.stripe.state()["objects"]))
    story.send("buyer", "GET", f"/top_ups/{started['id']}")
    sessions = set(flatten(story.stripe.state()["objects"])) - paid
    story.stripe.pay(next(name for name in sorted(sessions) if name.startswith("cs_")))
    story.post_events()
    story.work()


def deliver_until_it_stops_and_go_on(story: Story, contract: Contract) -> None:
    top_up(story, 400_00)
    assert len(lines(story)) == FIRST
    has(story, held=400_00)
    story.work()
    assert len(lines(story)) == FIRST
    assert limit_of(contract) == "funds"
    top_up(story, 400_00)
    assert len(lines(story)) == LEADS
    has(story, wallet=200_00, held=600_00)
    assert {line.status for line in lines(story)} == {LineStatus.DELIVERED}
    assert {line.contract_id for line in lines(story)} == {contract.id}


def report(story: Story, number: int, *, again: bool = False) -> Json:
    line = lines(story)[number]
    form = {"line_id": line.public_id, "reference": f"crm-{number}"}
    made = story.send("buyer", "POST", "/conversions", json=form)
    assert made["price"] == {"amount": PRICE, "currency": "USD"}
    return made


def report_six(story: Story) -> list[Json]:
    """Each takes 50.00 out of the pool, which is filled up for the leads that are still open."""
    left = [(150_00, 650_00), (100_00, 700_00), (100_00, 700_00)]
    left += [(50_00, 750_00), (0, 800_00), (0, 800_00)]
    made = []
    for number, (wallet, held) in enumerate(left):
        made.append(report(story, number))
        assert made[-1]["status"] == "on_hold"
        has(story, **({"wallet": wallet} if wallet else {}), held=held)
    assert report(story, 0)["id"] == made[0]["id"]
    has(story, held=800_00)
    return made


def decide(story: Story, actions: Sequence[Json]) -> None:
    for action in actions[:4]:
        path = f"/conversions/{action['id']}/approve"
        assert story.send("buyer", "POST", path)["status"] == "approved"
    has(story, held=600_00, pending=200_00)
    story.work()
    has(story, held=600_00, commission=36_00, reserve=30_00, payable=134_00)
    browser = Browser(story.client, story.cast.buyer)
    browser.post(f"/buyers/actions/{actions[4]['id']}/reject", reason="cancelled")
    rejected = story.send("buyer", "GET", f"/conversions/{actions[4]['id']}")
    assert (rejected["status"], rejected["reason"]) == ("rejected", "cancelled")
    # The lead is open again, so what came back stands behind it.
    has(story, held=600_00, commission=36_00, reserve=30_00, payable=134_00)


def leave_one_undecided(story: Story, action: Json) -> None:
    pass_days(story, 7)
    found = story.send("buyer", "GET", f"/conversions/{action['id']}")
    assert (found["status"], found["by_default"]) == ("approved", True)
    has(story, held=550_00, commission=45_00, reserve=37_50, payable=167_50)


def report_too_late(story: Story) -> None:
    pass_days(story, 14)
    late = report(story, 6)
    assert (late["status"], late["reason"], late["decide_by"]) == ("rejected", "after_window", None)


def end(story: Story) -> None:
    """Five actions were paid; the rest of the pool is the buyer's again."""
    story.work()
    has(story, wallet=550_00, commission=45_00, reserve=37_50, payable=167_50)
    assert {line.status for line in lines(story)} == {LineStatus.SETTLED}
    assert {order.status for order in db.session.scalars(select(Order))} == {OrderStatus.SETTLED}
    step_aside()


def seen_by_the_seller(story: Story) -> None:
    listed = story.send("seller", "GET", "/conversions")["data"]
    assert [(one["status"], one["reason"]) for one in listed] == [
        ("rejected", "after_window"), ("approved", ""), ("rejected", "cancelled"),
        *[("approved", "")] * 4,
    ]  # fmt: skip
    assert {one["reference"] for one in listed} == {one["contract_id"] for one in listed} == {None}
    browser = Browser(story.client, story.cast.seller).client
    for path in ("/sellers/actions", f"/sellers/actions/{listed[2]['id']}"):
        page = browser.get(path).get_data(as_text=True)
        assert "signed application" in page
        assert "crm-" not in page
        assert story.cast.buyer.organization.trade_name not in page


def limit_of(contract: Contract) -> str:
    """What the buyer is told that the contract is limited by."""
    found = db.session.scalar(select(Contract.limited_by).where(Contract.id == contract.id))
    step_aside()
    return found or ""


def pass_days(story: Story, days: int) -> None:
    story.send("admin", "POST", "/test/clock/advance", json={"seconds": days * DAY + 60})
    story.work()


def lines(story: Story) -> list[OrderLine]:
    """What the buyer has by now, in the order in which it came."""
    step_aside()
    mine = OrderLine.buyer_id == story.cast.buyer.organization.id
    return list(db.session.scalars(select(OrderLine).where(mine).order_by(OrderLine.id)))
