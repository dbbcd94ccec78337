"""docs/ledger.md: each flow of money with the postings it makes. The figures come from here.

REWRITE_DOCS=1 writes the page anew; otherwise a stale page fails.
"""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from exchange.billing import queries
from exchange.billing.accounts import AccountRef
from exchange.billing.chain import JournalEntry
from exchange.billing.gateway import ConnectTransfer
from exchange.billing.models import Payout, Reason
from exchange.billing.services import (
    holds,
    inspection_holds,
    payouts,
    pools,
    refunds,
    reserves,
    sales,
    top_ups,
)
from exchange.billing.services.sales import Sale
from exchange.config import ROOT
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.events import Ref
from exchange.core.ids import uuid7
from exchange.core.money import Money
from exchange.market.action_pool import Record, chance, prices_held
from tests.billing.books import EUR, Deal, eur, fund, hold
from tests.billing.test_top_ups import open_checkout
from tests.cast import Cast
from tests.servers.stripe_sandbox import StripeSandbox

PAGE = ROOT / "docs" / "ledger.md"
PRICE = eur(3_333)


class Story:
    """Flows told one after the other in one set of books."""

    def __init__(self, cast: Cast, stripe: StripeSandbox) -> None:
        self.cast = cast
        self.stripe = stripe
        self.parts: list[str] = []
        self.told = 0
        self.per_action: PerAction
        self.seller = cast.seller.organization.id
        self.first, self.second, self.third = (self.deal() for _ in range(3))
        self.names = {
            cast.buyer.organization.id: "buyer",
            self.seller: "seller",
        }

    def deal(self, price: Money = PRICE) -> Deal:
        return Deal(self.cast.buyer, self.cast.seller, price)

    def tell(self, title: str, text: str) -> None:
        """A flow: its words, the postings made since the last one, and what is where now."""
        entries = list(queries.whole_journal())
        lines = [
            self.row(entry, place)
            for entry in entries[self.told :]
            for place in range(len(entry.legs))
        ]
        self.told = len(entries)
        table = "\n".join(["| posting | from | to | amount |", "|---|---|---|---:|", *lines])
        self.parts.append(f"## {title}\n\n{text}\n\n{table}\n\n{self.standing()}\n")

    def row(self, entry: JournalEntry, place: int) -> str:
        leg = entry.legs[place]
        reason = f"`{entry.reason}`" if place == 0 else ""
        return f"| {reason} | {self.name(leg.source)} | {self.name(leg.target)} | {text_of(leg.amount)} |"

    def name(self, ref: AccountRef) -> str:
        owner = "house" if ref.organization_id is None else self.names[ref.organization_id]
        return f"{owner}: `{ref.kind}`"

    def standing(self) -> str:
        """The balances of both parties, in one line each."""
        found = []
        for owner, name in self.names.items():
            rows = queries.balances(owner)
            parts = [
                f"`{kind}` {text_of(getattr(row, kind))}"
                for row in rows
                for kind in (
                    "wallet",
                    "held",
                    "pending",
                    "reserve",
                    "payable",
                    "in_transit",
                    "debt",
                )
                if getattr(row, kind)
            ]
            found.append(f"Now the {name} has {', '.join(parts) or 'nothing'}.")
        return "  \n".join(found)

    def transfer(self, payout: Payout) -> ConnectTransfer:
        return ConnectTransfer(f"tr_{payout.id}", payout.amount)

    def payable_out(self) -> None:
        """The seller's payable money is paid out."""
        payout = self.request_payout()
        payouts.confirm(payout_id=payout.id, transfer=self.transfer(payout), actor=SYSTEM)

    def request_payout(self) -> Payout:
        return payouts.request(organization_id=self.seller, currency=EUR, actor=SYSTEM)


def text_of(amount: Money) -> str:
    whole, cents = divmod(abs(amount.amount), 100)
    return f"{'-' if amount.amount < 0 else ''}{whole:,}.{cents:02}"


def tell_everything(story: Story) -> str:
    for chapter in (
        pay_in,
        buy,
        deliver,
        settle,
        return_in_time,
        refund_late,
        pay_out,
        owe,
        refund_in_parts,
        reverse_payout,
        release,
        inspect,
        guarantee,
        pool,
        act,
        pay_for_actions,
        end_actions,
    ):
        chapter(story)
    return "\n".join([INTRODUCTION, *story.parts, trial_balance()])


def pay_in(story: Story) -> None:
    buyer = story.cast.buyer
    top_up = top_ups.start(
        organization_id=buyer.organization.id, amount=eur(50_000), actor=buyer.actor
    )
    open_checkout(top_up)
    story.stripe.pay(str(top_up.session_id))
    (payment,) = story.stripe.objects("payment_intent")
    top_ups.credit(
        top_up_id=top_up.id, payment_id=payment["id"], amount=top_up.amount, actor=SYSTEM
    )
    top_ups.book_fee(top_up.id)
    story.tell(
        "Paying in",
        "The buyer pays 500.00 on a page of Stripe. The event of the payment credits the wallet, once"
        " (key `top-up-<id>`). What Stripe keeps is posted when Stripe knows it; the buyer does not"
        " pay it.",
    )


def buy(story: Story) -> None:
    hold([story.first, story.second, story.third])
    story.tell(
        "Ordering",
        "Three leads at 33.33 are ordered. Their price is set aside in one posting (key"
        " `hold-<order>`) with one hold for each lead. Without enough money nothing is written.",
    )


def deliver(story: Story) -> None:
    first, second, third = story.first, story.second, story.third
    seller_of = {deal.ref.id: story.seller for deal in (first, second)}
    holds.capture_all(refs=[first.ref, second.ref], seller_of=seller_of, actor=SYSTEM)
    holds.release_all(refs=[third.ref], actor=SYSTEM)
    story.tell(
        "Delivery, and a lead that could not be delivered",
        "Two leads are delivered: each hold is captured (key `line-<id>-delivered`). The person of the"
        " third objected meanwhile: its hold is released (`line-<id>-released`).",
    )


def settle(story: Story) -> None:
    story.first.settle()
    story.tell(
        "The return window closes",
        "Commission 15 % and reserve 10 % of 33.33, both rounded down: 4.99 and 3.33. The seller"
        " receives all the rest, so no cent is lost or made (key `line-<id>-settled`).",
    )


def return_in_time(story: Story) -> None:
    story.second.refund(settled=False)
    story.tell(
        "A return inside the window",
        "The second lead is returned before its window closes: the money is still pending and goes"
        " back whole. No commission was taken, so none has to come back.",
    )


def refund_late(story: Story) -> None:
    story.deal().deliver().settle()
    story.told = len(list(queries.whole_journal()))
    story.first.refund(settled=True, reason="failed_check")
    story.tell(
        "A refund after the settlement",
        "Another lead was sold and settled meanwhile. Then a check finds the first one bad. The sale"
        " is taken back to `pending` first: the whole commission, then the seller's `payable`, then"
        " `reserve`. From `pending` the price goes to the buyer, whose statement so shows nothing of"
        " the seller's affairs.",
    )


def pay_out(story: Story) -> None:
    account = payouts.connect_account(organization_id=story.seller, actor=SYSTEM)
    payouts.make_account_ready(account_id=account.id, actor=SYSTEM)
    story.deal(eur(10_000)).deliver().settle()
    story.told = len(list(queries.whole_journal()))
    payout = story.request_payout()
    payouts.confirm(payout_id=payout.id, transfer=story.transfer(payout), actor=SYSTEM)
    story.tell(
        "A payout",
        "A lead at 100.00 was sold and settled too. The seller asks for everything that is payable. It"
        " leaves `payable` at once, so it cannot be spent twice, and `in_transit` when Stripe confirms"
        " the transfer.",
    )


def owe(story: Story) -> None:
    deal = story.deal(eur(10_000)).deliver().settle()
    payout = story.request_payout()
    payouts.confirm(payout_id=payout.id, transfer=story.transfer(payout), actor=SYSTEM)
    story.told = len(list(queries.whole_journal()))
    deal.refund(settled=True, reason="failed_check")
    story.deal(eur(10_000)).deliver().settle()
    story.tell(
        "A debt, and how it is repaid",
        "One more lead at 100.00 was sold, settled and paid out before it proved bad: there is nothing"
        " in `payable`, the reserve covers a part, the rest is the seller's debt. The next settlement"
        " repays it before anything is kept in reserve or made payable.",
    )


def refund_in_parts(story: Story) -> None:
    deal = story.deal(eur(1_000)).deliver().settle(commission_bps=999, reserve_bps=0)
    story.told = len(list(queries.whole_journal()))
    for part, amount in enumerate((330, 330, 340), start=1):
        deal.refund(amount, settled=True, reason=f"guarantee-{part}")
    story.tell(
        "Refunds in parts",
        "Under the guarantee a share of the price is refunded, here 10.00 with a commission of 0.99 in"
        " three parts. The commission comes back cumulatively, `floor(commission x refunded / price)`"
        " less what came back before: 0.32, 0.33 and 0.34. Rounding each part for itself would keep two"
        " cents.",
    )


def reverse_payout(story: Story) -> None:
    payout = story.request_payout()
    payouts.fail(
        payout_id=payout.id, transfer=story.transfer(payout), reason="reversed", actor=SYSTEM
    )
    story.tell(
        "A payout that fails",
        "Stripe makes the transfer and takes it back. In whatever order the two events arrive, the"
        " books say the same and the money is payable again.",
    )


def release(story: Story) -> None:
    clock.advance(timedelta(days=31))
    reserves.release_due()
    story.tell(
        "The reserve is released",
        "A reserve must cover what settlements of the last thirty days kept back (14 to 45 where the"
        " seller's sources have a record); what is above that becomes payable.",
    )


def inspect(story: Story) -> None:
    fund(story.cast.seller, 1_000)
    asked, subject = (
        [Ref("inspection", uuid7()) for _ in range(10)],
        Ref("full_inspection", uuid7()),
    )
    gave = inspection_holds.place(
        seller_id=story.seller, refs=asked, price=eur(300), subject=subject, actor=SYSTEM
    )
    for answered in asked[:8]:
        inspection_holds.earn(ref=answered, actor=SYSTEM)
    inspection_holds.release(
        seller_id=story.seller, refs=asked[8:], wallet_gave=gave, subject=subject, actor=SYSTEM
    )
    story.tell(
        "A full inspection",
        "The seller has ten leads called at 3.00 each, and pays in 10.00 for it. What is payable is set"
        " aside first, then the wallet (key `hold-<inspection>`). Each answer is earned by itself; two"
        " people were taken off the lists before anybody called them, and what was set aside for them"
        " goes back: to the wallet first, so that nobody's payable money is locked up in it.",
    )


def guarantee(story: Story) -> None:
    held, second, third = (story.deal().deliver() for _ in range(3))
    second.settle()
    third.settle()
    story.payable_out()
    story.told = len(list(queries.whole_journal()))
    share = eur(PRICE.amount * 18 // 40)
    for deal, settled in ((held, False), (second, True), (third, True)):
        refunds.refund(
            ref=deal.ref,
            buyer_id=deal.buyer.organization.id,
            seller_id=story.seller,
            price=PRICE,
            settled=settled,
            reason_key="guarantee",
            amount=share,
            reserve_first=True,
            actor=SYSTEM,
        )
    story.tell(
        "The guarantee",
        "Three leads at 33.33 of one lot were sold; the first one's return window is open, the others are"
        " settled, and the seller had everything payable paid out. Of 40 sold leads drawn at random 18"
        " were bad, so each lead that was not refunded yet is refunded"
        " `floor(33.33 x 18 / 40)` = 14.99. The first is still pending and pays for itself. Of the"
        " others the commission comes back in proportion, `floor(4.99 x 14.99 / 33.33)` = 2.24; 12.75 is"
        " the seller's: the reserve, which is kept for this, then what is payable, then debt.",
    )


class PerAction:
    """A contract that pays 50.00 for each action, and forty leads of another seller."""

    PRICE = eur(5_000)

    def __init__(self, story: Story) -> None:
        self.story, self.subject = story, Ref("contract", uuid7())
        self.buyer, self.seller = story.cast.buyer.organization, story.cast.other_seller
        self.known = chance(own=Record(0, 0), vertical=Record(0, 0))
        self.actions = [Ref("conversion", uuid7()) for _ in range(6)]
        story.names[self.seller.organization.id] = "second seller"

    def hold_for(self, leads: int) -> None:
        """The pool as the verbs of the market size it for so many open leads."""
        size = self.PRICE * prices_held(leads, self.known)
        pools.resize(
            organization_id=self.buyer.id, subject=self.subject, to=size, partly=True, actor=SYSTEM
        )

    def report(self, action: Ref, *, left: int) -> None:
        pools.draw(
            organization_id=self.buyer.id,
            subject=self.subject,
            ref=action,
            amount=self.PRICE,
            actor=SYSTEM,
        )
        self.hold_for(left)

    def approve(self, *actions: Ref) -> None:
        """As the verbs of actions do: captured at once, divided a moment later."""
        seller_id = self.seller.organization.id
        holds.capture_all(
            refs=actions,
            seller_of={action.id: seller_id for action in actions},
            reason=Reason.ACTION_APPROVED,
            actor=SYSTEM,
        )
        due = [Sale(action, seller_id, self.PRICE, 1_800, 1_500) for action in actions]
        sales.settle_all(due, actor=SYSTEM)


def pool(story: Story) -> None:
    fund(story.cast.buyer, 80_000 - 21_165)
    story.told = len(list(queries.whole_journal()))
    story.per_action = PerAction(story)
    for leads in (27, 40):
        story.per_action.hold_for(leads)
    story.tell(
        "Leads that are paid by their action",
        "A contract pays 50.00 for each action of a lead (CPA). Behind its open leads stands one pool:"
        " the price of as many actions as they will not exceed with 95 % certainty, worked out before"
        " anything is known from one action among ten leads. For 27 leads that is 8 actions, for 40 it"
        " is 12. The buyer, who had paid in until the wallet held 800.00, has so much set aside (keys"
        " `pool-<id>-1`, `pool-<id>-2`).",
    )


def act(story: Story) -> None:
    for left, action in zip(range(39, 33, -1), story.per_action.actions, strict=True):
        story.per_action.report(action, left=left)
    story.tell(
        "Six actions are reported",
        "Each takes 50.00 out of the pool, which moves no money: the sum lies in `held` already. Then the"
        " pool follows the leads that are left: 12 prices for 39 and 38 open leads, 11 for 37, 36 and"
        " 35, 10 for 34. Where it is short of that it is filled up from the wallet. What neither pool"
        " nor wallet nor credit covers would come from `buyer_debt`, and the seller would wait for it.",
    )


def pay_for_actions(story: Story) -> None:
    case = story.per_action
    case.approve(*case.actions[:4])
    holds.release_all(refs=[case.actions[4]], actor=SYSTEM)
    case.hold_for(35)
    case.approve(case.actions[5])
    story.tell(
        "Four are approved, one is rejected, one is past due",
        "What was set aside for an approved action is its seller's (key `conversion-<id>-action_approved`)"
        " and is divided a moment later, here by a commission of 18 % and a reserve of 15 %. What was set"
        " aside for the rejected one is released; its lead is open again, so the pool for 35 leads takes"
        " the 50.00 back. About the last one the buyer says nothing, and the contract says that silence"
        " approves. A report after the attribution window is kept and moves nothing.",
    )


def end_actions(story: Story) -> None:
    story.per_action.hold_for(0)
    story.tell(
        "The attribution windows close",
        "Nothing can come of the other leads any more: what stood behind them is the buyer's again."
        " Of 800.00 five actions have cost 250.00.",
    )


def trial_balance() -> str:
    lines = queries.trial_balance(EUR)
    rows = [
        f"| `{line.kind}` | {line.account_class} | {text_of(line.debit) if line.debit else ''} |"
        f" {text_of(line.credit) if line.credit else ''} |"
        for line in lines
    ]
    sums = [
        Money(sum(getattr(line, side).amount for line in lines), EUR)
        for side in ("debit", "credit")
    ]
    assert sums[0] == sums[1]
    return "\n".join(
        [
            "## The trial balance at the end\n",
            "| account | class | debit | credit |",
            "|---|---|---:|---:|",
            *rows,
            f"| | | **{text_of(sums[0])}** | **{text_of(sums[1])}** |",
            "",
        ]
    )


INTRODUCTION = """# The ledger

Written by `tests/billing/test_ledger_document.py`, which runs every flow below and compares; do not edit.

All amounts are euros. A transfer moves an amount from one account to another, so it cannot be unbalanced. A posting
is one business fact with a unique key, so it cannot be made twice. A balance is credits less debits: what the house
owes a party is positive, `cash` mirrors the balance at Stripe with the sign reversed. Postings are never changed;
a correction is another posting.

Every second a sealer lays new postings onto a hash chain:
`hash = SHA-256(hash of the link before | canonical link)`, where the canonical link is the JSON of the link's number,
of the posting with its transfers, and, for each organization it touches, of the number of that organization's link
before this one; UTF-8, names sorted, no spaces. The first link stands behind 32 zero bytes. `exchange ledger verify`
computes the whole chain again, `GET /api/v1/ledger/head` publishes its head, and `GET /api/v1/ledger/proof` gives an
organization its own links.
"""


@pytest.fixture
def story(cast: Cast, stripe: StripeSandbox) -> Story:
    return Story(cast, stripe)


def test_the_page_says_what_the_books_do(story: Story) -> None:
    text = tell_everything(story)
    if os.environ.get("REWRITE_DOCS"):
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
    written = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    assert written == text, "docs/ledger.md is stale: run this test with REWRITE_DOCS=1"
