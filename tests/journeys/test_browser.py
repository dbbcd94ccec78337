"""People at the pages, in a real browser, on a house that really runs.

A buyer tops up, buys, opens and returns, with scripts and without; a verifier checks with the
keyboard alone; the main pages of every role are asked whether everybody can use them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import func, select

from exchange.billing.models import AccountKind
from exchange.billing.queries import balance
from exchange.core.invariants import violations
from exchange.core.money import Currency
from exchange.market.models import Order, OrderLine
from exchange.verification.models import Verdict
from tests.cast import Player
from tests.conftest import worker_number
from tests.factories.story import FAMILY
from tests.journeys.stage import Stage, open_stage, sign_in

AXE = (Path(__file__).parents[1] / "vendor" / "axe-core-4.10.3" / "axe.min.js").read_text()
PRICE, BOUGHT, TOP_UP = 45_00, 5, 500_00
# What a phone number or an address would look like if it were not masked.
CONTACT = re.compile(rf"{FAMILY}|\+?1?614234\d{{4}}|234-?\d{{4}}\b", re.IGNORECASE)

pytestmark = [pytest.mark.browser, pytest.mark.commits]


@pytest.fixture(scope="module")
def stage(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One house for all browser tests of this process; each brings browsers of its own."""
    folder = tmp_path_factory.mktemp("house")
    with open_stage(worker_number(worker_id), folder) as stage:
        yield stage
        with stage.tables():
            assert violations() == []


# A buyer


def orders_of(stage: Stage, player: Player) -> list[int]:
    """How many leads each order of the player's has, newest first."""
    with stage.tables() as session:
        lines = select(func.count()).select_from(OrderLine).join(Order)
        mine = lines.where(Order.buyer_id == player.organization.id)
        return list(session.scalars(mine.group_by(Order.id).order_by(Order.id.desc())))


def wallet_of(stage: Stage, player: Player) -> int:
    with stage.tables():
        return balance(player.organization.id, AccountKind.WALLET, Currency.USD).amount


def to_the_listing(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Market", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Market")
    page.get_by_role("link", name="Home improvement").first.click()
    expect(page.get_by_role("heading", name="The leads")).to_be_visible()


def top_up(page: Page, stage: Stage, *, dollars: str) -> None:
    """Through the payer's page of Stripe, and back to where Stripe sends people."""
    page.goto("/money/wallet")
    page.get_by_label("Amount").fill(dollars)
    page.get_by_role("button", name="Continue to payment").click()
    page.wait_for_url(f"{stage.stripe.url}/**")
    page.get_by_role("button", name="Pay").click()
    page.wait_for_url(f"{stage.url}/money/top-ups/**")


def confirm_purchase(page: Page) -> Locator:
    """From the listing to the button that moves the money."""
    page.get_by_role("button", name=f"Buy {BOUGHT} for $225.00").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Buy {BOUGHT} leads for $225.00?")
    assert CONTACT.search(page.content()) is None
    return page.get_by_role("button", name=f"Buy {BOUGHT} for $225.00")


def test_buyer_tops_up_buys_opens_and_returns(stage: Stage) -> None:
    buyer = stage.cast.other_buyer
    with stage.visit() as page:
        sign_in(page, buyer.user.email)
        to_the_listing(page)
        assert CONTACT.search(page.content()) is None
        top_up(page, stage, dollars="500")
        expect(page.get_by_text("The money has come.")).to_be_visible()
        assert wallet_of(stage, buyer) == TOP_UP
        to_the_listing(page)
        confirm_purchase(page).dblclick()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Order of {BOUGHT} leads")
        assert orders_of(stage, buyer) == [BOUGHT]
        assert wallet_of(stage, buyer) == TOP_UP - BOUGHT * PRICE
        assert CONTACT.search(page.content()) is None
        open_a_contact(page)
        ask_a_return(page)


def open_a_contact(page: Page) -> None:
    page.get_by_role("link", name="Q*** Z.").first.click()
    expect(page.get_by_text("Nobody of you has opened this contact yet.")).to_be_visible()
    page.get_by_role("button", name="Open contact").click()
    expect(page.get_by_text(f"Quillon {FAMILY}").first).to_be_visible()
    assert re.search(r"\+1614234\d{4}", page.content())
    # An address holds nobody, and coming back shows nobody.
    assert CONTACT.search(page.url) is None
    page.goto(page.url.removesuffix("/contact"))
    expect(page.get_by_text("looked at by")).to_be_visible()
    assert CONTACT.search(page.content()) is None


def ask_a_return(page: Page) -> None:
    page.get_by_role("link", name="Return this lead").click()
    page.get_by_label("Never asked").check()
    page.get_by_label("Note").fill("They say that they never asked.")
    page.get_by_role("button", name="Return for $45.00").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Never asked")
    expect(page.get_by_text("We are looking at it.")).to_be_visible()


def test_purchase_works_without_scripts(stage: Stage) -> None:
    buyer = stage.cast.newcomer
    with stage.visit(scripts=False) as page:
        sign_in(page, buyer.user.email)
        top_up(page, stage, dollars="500")
        paid_at_last(page)
        to_the_listing(page)
        assert CONTACT.search(page.content()) is None
        # Nothing here keeps a browser from sending the form twice but the token in it.
        confirm_purchase(page).dblclick()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Order of {BOUGHT} leads")
        assert orders_of(stage, buyer) == [BOUGHT]
        assert wallet_of(stage, buyer) == TOP_UP - BOUGHT * PRICE
        open_a_contact(page)
        ask_a_return(page)


def paid_at_last(page: Page) -> None:
    """Without scripts the page does not look again by itself."""
    come = page.get_by_text("The money has come.")
    again = page.get_by_role("link", name="Look again")
    expect(come.or_(again)).to_be_visible()
    while not come.is_visible():
        again.click()
        expect(come.or_(again)).to_be_visible()


def test_back_and_resend_buy_nothing_more(stage: Stage) -> None:
    buyer = stage.cast.buyer
    with stage.visit(buyer) as page:
        to_the_listing(page)
        button = confirm_purchase(page)
        before = orders_of(stage, buyer)
        button.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Order of {BOUGHT} leads")
        order = page.url
        page.go_back()
        confirm = page.get_by_role("button", name=f"Buy {BOUGHT} for $225.00")
        # The page of then, from the browser's memory or asked for again, has a token of its own.
        if confirm.locator("xpath=ancestor::form").get_attribute("data-sent") is None:
            confirm.click()
            page.wait_for_url("**/buyers/orders/**")
        assert len(orders_of(stage, buyer)) - len(before) in {1, 2}
        assert order


# A verifier


class Keys:
    """A verifier who has no mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def focus(self) -> str:
        return str(self.page.evaluate("document.activeElement.id || document.activeElement.name"))

    def chosen(self) -> str:
        found = "document.querySelector('.outcomes input:checked')?.value ?? ''"
        return str(self.page.evaluate(found))

    def task(self) -> str:
        """The call on the screen, by its address for submitting."""
        return str(self.page.evaluate("document.querySelector('form#call').action"))

    def moved_on(self, keys: str, *, from_task: str) -> None:
        """Press, and see another call; its heading has the focus, so that readers are told."""
        self.press(keys)
        self.page.wait_for_function(
            "before => document.querySelector('form#call')?.action !== before"
            " && document.readyState === 'complete'",
            arg=from_task,
        )
        assert self.task() != from_task
        assert self.focus() == "title"
