"""People at the pages, in a real browser, on a house that really runs.

A buyer tops up, buys, opens and returns, with scripts and without; a verifier checks with the
keyboard alone; the main pages of every role are asked whether everybody can use them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
import requests
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import func, select

from exchange.billing.models import AccountKind
from exchange.billing.queries import balance
from exchange.core import clock
from exchange.core.db import unit_of_work
from exchange.core.invariants import violations
from exchange.core.money import Currency
from exchange.market.auction_models import Auction
from exchange.market.models import Order, OrderLine
from exchange.verification.models import Verdict
from tests.cast import PASSWORD, Player
from tests.conftest import worker_number
from tests.factories.auctions import close, make_auction
from tests.factories.catalog import VERTICAL
from tests.factories.leads import make_person
from tests.factories.market import make_listing
from tests.factories.posts import make_body, make_terms
from tests.factories.story import FAMILY
from tests.journeys.stage import NARROW, WIDE, Stage, email_of, open_stage, sign_in
from tests.waiting import eventually

VENDOR = Path(__file__).parents[1] / "vendor"
AXE = (VENDOR / "axe-core-4.10.3" / "axe.min.js").read_text()
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


def orders_of(stage: Stage, player: Player) -> dict[UUID, int]:
    """How many leads each order of the player's has."""
    with stage.tables() as session:
        lines = select(Order.id, func.count()).join(OrderLine, OrderLine.order_id == Order.id)
        mine = lines.where(Order.buyer_id == player.organization.id).group_by(Order.id)
        return {row[0]: row[1] for row in session.execute(mine)}


def wallet_of(stage: Stage, player: Player) -> int:
    with stage.tables():
        return balance(player.organization.id, AccountKind.WALLET, Currency.USD).amount


def to_the_listing(page: Page, stage: Stage) -> None:
    page.goto("/")
    page.get_by_role("link", name="Market", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Market")
    page.locator(f'a[href*="{stage.pages["listing"]}"]').first.click()
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
        sign_in(page, buyer)
        top_up(page, stage, dollars="500")
        expect(page.get_by_text("The money has come.")).to_be_visible()
        assert wallet_of(stage, buyer) == TOP_UP
        to_the_listing(page, stage)
        assert CONTACT.search(page.content()) is None
        button = confirm_purchase(page)
        button.dblclick()
        bought(page)
        assert list(orders_of(stage, buyer).values()) == [BOUGHT]
        assert wallet_of(stage, buyer) == TOP_UP - BOUGHT * PRICE
        back_and_again(page, button)
        open_a_contact(page)
        ask_a_return(page)


def bought(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Order of {BOUGHT} leads")
    assert CONTACT.search(page.content()) is None


def back_and_again(page: Page, button: Locator) -> None:
    """Whoever goes back to the question is told that it was answered."""
    order = page.url
    page.go_back()
    expect(page.get_by_text("You made this purchase already.")).to_be_visible()
    expect(button).to_have_count(0)
    page.get_by_role("link", name="To the order").click()
    bought(page)
    assert page.url == order


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
    page.get_by_role("textbox", name="Note").fill("They say that they never asked.")
    page.get_by_role("button", name="Return for $45.00").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Never asked")
    expect(page.get_by_text("We are looking at it.")).to_be_visible()


def test_purchase_works_without_scripts(stage: Stage) -> None:
    buyer = stage.cast.buyer
    before, wallet = orders_of(stage, buyer), wallet_of(stage, buyer)
    with stage.visit(scripts=False) as page:
        sign_in(page, buyer)
        top_up(page, stage, dollars="500")
        paid_at_last(page)
        to_the_listing(page, stage)
        assert CONTACT.search(page.content()) is None
        # Nothing here keeps a browser from sending the form twice but the token in it.
        confirm_purchase(page).dblclick()
        bought(page)
        made = orders_of(stage, buyer)
        assert [made[order_id] for order_id in made.keys() - before.keys()] == [BOUGHT]
        assert wallet_of(stage, buyer) == wallet + TOP_UP - BOUGHT * PRICE
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


# A verifier


class Keys:
    """A verifier who has no mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.add_init_script(
            "for (const kind of ['pointerdown', 'mousedown', 'touchstart'])"
            " addEventListener(kind, () => { document.documentElement.dataset.mouse = kind; }, true)"
        )

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def ask(self, script: str) -> str:
        return str(self.page.evaluate(script))

    @property
    def focus(self) -> str:
        return self.ask("document.activeElement.id || document.activeElement.tagName")

    @property
    def chosen(self) -> str:
        return self.ask("document.querySelector('.outcomes input:checked')?.value ?? ''")

    @property
    def call(self) -> str:
        """The call on the screen, by where it is submitted to."""
        return self.ask("document.querySelector('form#call')?.action ?? ''")

    def next_call(self, *keys: str) -> str:
        """Press, and see another call. Its heading has the focus, so that readers are told."""
        before = self.call
        self.press(*keys)
        call = "document.querySelector('form#call')"
        self.arrive(f"{call} && {call}.action !== '{before}'")
        assert "/tasks/" in self.call
        assert self.focus == "title"
        assert self.chosen == ""
        assert self.ask("document.documentElement.dataset.mouse ?? ''") == ""
        return self.call

    def arrive(self, condition: str) -> None:
        """Wait for a page on which this is so and whose scripts have run."""
        self.page.wait_for_function(
            f"() => document.documentElement.classList.contains('js') && {condition}"
        )
        self.page.wait_for_load_state()


def test_verifier_checks_ten_people_without_a_mouse(stage: Stage) -> None:
    with stage.visit() as page:
        keys = Keys(page)
        start_by_keyboard(keys, stage.cast.second_verifier)
        keys.next_call("Control+Enter")
        confirm_too_quickly(keys)
        keys.next_call("5", "Control+Enter")
        with_note_and_undo(keys)
        skip(keys)
        correct(keys)
        call_back(stage, keys)
        for _ in range(5):
            keys.next_call("6", "Control+Enter")
    assert codes_of(stage, stage.cast.second_verifier) == [
        *("confirmed", "number_dead", "not_reached", "corrected", "call_back"),
        *["not_reached"] * 5,
    ]


def start_by_keyboard(keys: Keys, verifier: Player) -> None:
    keys.page.goto("/sign-in")
    keys.page.get_by_label("E-mail").focus()
    keys.type(email_of(verifier))
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")
    keys.arrive("location.pathname === '/verification'")


def confirm_too_quickly(keys: Keys) -> None:
    """Nobody has talked to somebody in a second: it is asked once, and believed then."""
    keys.press("1")
    assert keys.chosen == "confirmed"
    keys.press("Control+Enter")
    keys.arrive("document.getElementById('error-summary')")
    assert keys.focus == "error-summary"
    assert keys.chosen == "confirmed"
    keys.next_call("Control+Enter")


def with_note_and_undo(keys: Keys) -> None:
    """A note is typed and no letter of it does anything; the result is taken back and given again."""
    first = keys.call
    keys.press("6", "n")
    keys.type("1 rang, 2 busy, dub next")
    assert (keys.focus, keys.chosen) == ("f-note", "not_reached")
    keys.press("Escape")
    keys.next_call("Control+Enter")
    keys.press("u")
    keys.arrive(f"document.querySelector('form#call')?.action === '{first}'")
    assert keys.focus == "title"
    assert keys.ask("document.getElementById('f-note').value") == "1 rang, 2 busy, dub next"
    assert keys.chosen == "not_reached"
    keys.next_call("Control+Enter")


def skip(keys: Keys) -> None:
    keys.press("Control+Space")
    assert keys.focus == "f-reason"
    keys.press("ArrowDown", "Tab")
    keys.next_call("Enter")


def correct(keys: Keys) -> None:
    """The first claimed fact is another; then too quickly again."""
    keys.press("2", "e")
    assert keys.focus.startswith("f-fix-")
    keys.press("ArrowDown", "Control+Enter")
    keys.arrive("document.getElementById('error-summary')")
    keys.next_call("Control+Enter")


def call_back(stage: Stage, keys: Keys) -> None:
    """A day and a time by the person's clock, typed as the field wants it."""
    with stage.tables():
        tomorrow = clock.now() + timedelta(days=1)
    keys.press("7", "c")
    assert keys.focus == "f-callback_at"
    keys.type(f"{tomorrow:%m%d%Y}")
    keys.press("ArrowRight")
    keys.type("1100AM")
    keys.press("Control+Enter")
    keys.arrive("document.getElementById('error-summary')")
    assert keys.ask("document.getElementById('f-callback_at').value").endswith("T11:00")
    keys.next_call("Control+Enter")


def codes_of(stage: Stage, verifier: Player) -> list[str]:
    """The results that stand, in the order in which they were given."""
    with stage.tables() as session:
        mine = select(Verdict.code).where(
            Verdict.verifier_id == verifier.user.id, Verdict.undone_at.is_(None)
        )
        return list(session.scalars(mine.order_by(Verdict.id)))


# Everybody


@dataclass(frozen=True, slots=True)
class Room:
    """Where a role spends its day: the main pages, which axe reads, and the others."""

    player: Player | None
    main: Sequence[str]
    others: Sequence[str]


def room_of(stage: Stage, role: str) -> Room:
    cast, ids = stage.cast, stage.pages
    at, lead = f"/buyers/listings/{ids['listing']}", f"/buyers/leads/{ids['line']}"
    batch = "/sellers/batches/{}".format
    return {
        "public": Room(
            None,
            [
                *("/sign-up", "/method", "/docs"),
                *(f"/posting/{ids['spec']}", f"/f/{ids['form']}", f"/f/{ids['form']}?lang=ru"),
            ],
            ["/sign-in", "/docs/errors", f"/f/{ids['form']}/thanks"],
        ),
        "buyer": Room(
            cast.buyer,
            [
                *("/buyers/", "/buyers/market", at, f"{at}/buy?quantity=5"),
                *(f"/buyers/orders/{ids['order']}", lead, f"{lead}/return", "/money/wallet"),
            ],
            [
                *("/buyers/orders", "/buyers/leads", "/buyers/returns", "/notices", "/team"),
                *(f"/buyers/returns/{ids['refunded']}", "/money/top-ups", "/settings"),
            ],
        ),
        "seller": Room(
            cast.seller,
            [
                *("/sellers/", batch(ids["checked"]), batch(ids["sealed"]), "/sellers/imports/new"),
                *(f"/sellers/imports/{ids['draft']}/map", "/sellers/listings", "/money"),
                f"/sellers/imports/{ids['draft']}/recognise",
                *(
                    f"/sellers/imports/{ids['mapped']}/{step}"
                    for step in ("check", "rows", "confirm")
                ),
                *(f"/sellers/posting/{ids['terms']}", f"/sellers/posting/{ids['terms']}/terms"),
            ],
            [
                *("/sellers/imports", f"/sellers/templates/{VERTICAL}"),
                *("/sellers/batches", batch(ids["called"]), "/sellers/returns", "/money/payouts"),
                *(f"/sellers/returns/{ids['refunded']}", "/sellers/posting"),
            ],
        ),
        "verifier": Room(cast.verifier, ["/verification"], ["/verification/results"]),
        "operator": Room(
            cast.admin,
            [
                *("/admin", f"/admin/organizations/{ids['seller']}", "/admin/ledger"),
                *(f"/admin/returns/{ids['undecided']}", "/admin/events"),
                f"/admin/verticals/{VERTICAL}",
            ],
            [
                *("/admin/organizations", "/admin/returns", "/admin/quality", "/admin/clock"),
                "/admin/quality/charts",
                *("/admin/ledger/accounts", "/admin/ledger/postings", "/admin/verticals"),
            ],
        ),
    }[role]


@pytest.mark.parametrize("role", ["public", "buyer", "seller", "verifier", "operator"])
def test_pages_can_be_used_by_everybody_and_on_a_phone(stage: Stage, role: str) -> None:
    room, found = room_of(stage, role), []
    with stage.visit(room.player) as page:
        for address in (*room.main, *room.others):
            response = page.goto(address)
            assert response is not None
            assert response.status == 200, address
            found += barriers(page) if address in room.main else []
            found += narrowed(page)
        if role == "verifier":
            page.goto("/verification")
            page.get_by_role("button", name="Start next").click()
            page.wait_for_url("**/tasks/**")
            found += barriers(page) + narrowed(page)
    assert found == []


def narrowed(page: Page) -> list[str]:
    """Whether the page scrolls sideways on a phone."""
    page.set_viewport_size(NARROW)
    is_too_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.set_viewport_size(WIDE)
    return [f"{page.url} scrolls sideways on a phone"] if is_too_wide else []


def barriers(page: Page) -> list[str]:
    """Serious and critical issues that axe sees."""
    page.evaluate(AXE)
    seen = page.evaluate(
        "axe.run({resultTypes: ['violations'], runOnly:"
        " ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
    )["violations"]
    return [
        f"{page.url}: {issue['id']} at {issue['nodes'][0]['html'][:200]}"
        for issue in seen
        if issue["impact"] in {"serious", "critical"}
    ]


def test_axe_is_the_published_one() -> None:
    table = (VENDOR / "SOURCES.md").read_text()
    assert f"| {sha256(AXE.encode()).hexdigest()} |" in table


# An auction


def test_buyer_bids_changes_withdraws_and_wins(stage: Stage) -> None:
    auction = open_auction(stage)
    path = f"/buyers/auctions/{auction.public_id}"
    with stage.visit(stage.cast.buyer) as page:
        page.goto("/")
        page.get_by_role("link", name="Auctions", exact=True).first.click()
        page.locator(f'a[href="{path}"]').click()
        seal(page, amount="50", leads=2, held="$112.50")
        seal(page, amount="60", leads=2, held="$140.64")
        expect(page.get_by_text("sealed: nobody can read it")).to_be_visible()
        page.get_by_role("button", name="Withdraw").first.click()
        page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
        expect(page.get_by_text("Your bid is withdrawn and the money is free.")).to_be_visible()
        seal(page, amount="55", leads=2, held="$112.50")
        with unit_of_work():
            close(auction)
        page.goto(path)
        expect(page.get_by_role("link", name="To the order")).to_be_visible()
        page.get_by_role("link", name="Verify it yourself").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Proof of the auction")
        expect(page.get_by_text("exchange auction verify proof.json")).to_be_visible()


def open_auction(stage: Stage) -> Auction:
    """An auction of four leads that anybody may bid in."""
    seller = stage.cast.seller
    with unit_of_work():
        return make_auction(seller, make_listing(seller, leads=4, source="auction page"))


def seal(page: Page, *, amount: str, leads: int, held: str) -> None:
    """Type a bid, read what it means, and seal it."""
    page.get_by_label("Your bid for each lead").fill(amount)
    page.get_by_label("Leads, at most").fill(str(leads))
    page.get_by_role("button", name="Go on").click()
    title = f"Bid ${amount}.00 each for up to {leads} leads?"
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_text(held).first).to_be_visible()
    page.get_by_role("button", name="Seal the bid").click()
    expect(page.get_by_text("Your bid is sealed.").first).to_be_visible()


# A standing order


def test_buyer_saves_filters_as_a_contract_and_a_posted_lead_arrives(stage: Stage) -> None:
    source, name = "standing page", "Roofs in Ohio"
    with unit_of_work():
        make_terms(stage.cast.seller, source=source, trusted=True)
        key = stage.cast.seller.key("lead:post")
    with stage.visit(stage.cast.buyer) as page:
        page.goto(f"/buyers/market?vertical={VERTICAL}")
        for box in page.get_by_role("checkbox", name="Choose the lot").all()[:2]:
            box.check()
        expect(page.get_by_text("2 chosen")).to_be_visible()
        page.get_by_role("button", name="Compare up to three").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Compare")
        page.goto(f"/buyers/market?vertical={VERTICAL}&region=OH")
        page.get_by_role("link", name="Save as contract").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("New contract")
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("Price of one lead, or of one action").fill("60")
        page.get_by_label("Begin to buy at once").check()
        page.get_by_role("button", name="Save the contract").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(name)
        expect(page.get_by_text("Ohio").first).to_be_visible()
        arrived = page.url.replace("/buyers/contracts/", "/buyers/leads?contract=")
        person = make_person()
        posted = requests.post(
            f"{stage.url}/api/v1/leads",
            json=make_body(person, source=source),
            headers=key,
            timeout=30,
        )
        assert posted.json()["status"] == "accepted"
        eventually(lambda: has_arrived(page, arrived))
        page.get_by_role("table").get_by_role("link").first.click()
        expect(page.get_by_text(name).first).to_be_visible()


def has_arrived(page: Page, url: str) -> bool:
    """Whether the list of bought leads has one by now."""
    page.goto(url)
    return page.locator("table tbody tr").count() > 0
