"""Every page of the seller: it works, a stranger finds nothing, bad input is said at its field."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import unescape
from itertools import count
from random import Random

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from exchange.catalog import queries as catalog
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get, parse_id
from exchange.core.ids import encode, uuid7
from exchange.core.money import Currency, Money
from exchange.fulfillment.models import LeadReturn, ReturnOutcome, ReturnStatus
from exchange.fulfillment.services import returns
from exchange.identity import services
from exchange.identity.permissions import Role
from exchange.leads import samples
from exchange.leads.models import Batch, BatchStatus, Import, ImportStatus
from exchange.leads.services import batches
from exchange.market.models import Listing, ListingStatus
from exchange.market.services import listings
from tests.cast import PASSWORD, Cast, Player, _player
from tests.factories.actions import make_action_lines, report
from tests.factories.billing import fund_wallet
from tests.factories.catalog import make_vertical
from tests.factories.fulfillment import make_return, pass_time
from tests.factories.leads import make_batch
from tests.factories.market import make_draft, make_listing
from tests.verification.support import make_sealed

Enter = Callable[[Player], FlaskClient]
PAGES = (
    *("/sellers/", "/sellers/batches", "/sellers/listings", "/sellers/returns"),
    *("/sellers/actions", "/sellers/actions/{conversion}"),
    *("/sellers/imports/new", "/sellers/templates/home_improvement_us.csv"),
    *("/sellers/imports/{draft}/recognise", "/sellers/imports/{draft}/map"),
    *("/sellers/batches/{batch}", "/sellers/batches/{imported}/problems.csv"),
    *("/sellers/returns/{lead_return}", "/sellers/imports/{checked}/confirm"),
    *("/sellers/listings/{listing}", "/sellers/batches/{parted}/listings/new"),
    *("/sellers/sources", "/sellers/sources/new", "/sellers/sources/{source}"),
    "/sellers/sources/{source}/edit",
    *("/sellers/imports", "/sellers/templates/home_improvement_us"),
    *("/sellers/imports/{checked}/check", "/sellers/imports/{checked}/rows"),
    *("/sellers/imports/{checked}/problems.csv", "/sellers/imports/{taken}/result"),
    *("/sellers/imports/{taken}/receipt.json", "/sellers/batches/{refused}/inspection"),
)
# A picture comes and goes as a file: tests/sellers/test_sources.py tries both.
PICTURE = "/sellers/sources/<source_id>/picture"
# Leads ripen in ninety days: tests/sellers/test_listing_pages.py waits for them.
AGED = "/sellers/listings/<listing_id>/aged"
LEADING_ON = (
    "/sellers/imports/{draft}",
    "/sellers/imports/{taken}/running",
)  # to the step that is due
DEEDS: dict[str, dict[str, str]] = {
    "/sellers/imports/{draft}/recognise": {},
    "/sellers/imports/{draft}/map": {},
    "/sellers/imports/{checked}/empty": {"field": "consent_text", "value": "Yes. " * 9},
    "/sellers/imports/{checked}/words": {"word-scope-1": "anew", "means-scope-1": "new"},
    "/sellers/imports/{checked}/format": {"name": "date_order", "value": "ymd"},
    "/sellers/imports/{checked}/rows/1": {"cell-1": "+16142345678"},
    "/sellers/imports/{checked}/drop": {"field": "phone", "code": "short_code"},
    "/sellers/imports/{checked}/restore": {},
    "/sellers/imports/{checked}/recheck": {},
    "/sellers/imports/{checked}/confirm": {"price": "45", "declared_unsold": "1"},
    "/sellers/imports/{draft}/abandon": {},
    "/sellers/batches/{batch}/nonce": {"nonce": "my own words"},
    "/sellers/batches/{accepted}/withdraw": {},
    "/sellers/batches/{undecided}/unverified": {},
    "/sellers/batches/{refused}/inspection": {"amount": "900", "currency": "USD"},
    "/sellers/listings/{listing}": {"price": "50", "mode": "fixed"},
    "/sellers/batches/{parted}/listings": {"price": "60", "a.scope": "repair"},
    "/sellers/listings/{listing}/price": {"price": "50"},
    "/sellers/listings/{listing}/pause": {},
    "/sellers/sources": {"name": "Another"},
    "/sellers/sources/{source}/edit": {"name": "Landing page"},
    "/sellers/sources/{source}/pause": {},
    "/sellers/returns/{lead_return}/contest": {"explanation": "He told us otherwise."},
}
UPLOAD = "/sellers/imports"
MERGE = "/sellers/imports/{checked}/problems"  # a file, sent below
# A form that is shown again: tests/sellers/test_listing_pages.py looks at what it shows.
PREVIEWS = ("/sellers/listings/{listing}/preview", "/sellers/batches/{parted}/listings/preview")
PREFIXES = {
    **dict.fromkeys(("draft", "checked", "taken"), "imp"),
    **dict.fromkeys(("batch", "accepted", "undecided", "refused", "imported", "parted"), "batch"),
    "listing": "lst",
    "source": "src",
    "lead_return": "ret",
    "conversion": "cnv",
}
_keys = count(1)


def keep() -> None:
    """Commit what the test has prepared: a door that refuses rolls back what is not."""
    db.session.commit()


def post(client: FlaskClient, path: str, **form: str) -> TestResponse:
    keep()
    return client.post(path, data={"idempotency_key": f"form-{next(_keys)}", **form})


def text_of(answer: TestResponse, status: int = 200) -> str:
    body = answer.get_data(as_text=True)
    assert answer.status_code == status, (answer.status_code, body[-2_000:])
    return body


def words_of(answer: TestResponse, status: int = 200) -> str:
    body = re.sub(r"<(script|template)\b.*?</\1>", " ", text_of(answer, status), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split()).replace("\u00a0", " ")


def the_file(rows: int = 12) -> bytes:
    """Rows of people who never were, as a seller would send them."""
    definition = catalog.get_definition(make_vertical())
    found = samples.invented_rows(definition, random=Random(5), count=rows, now=clock.now())
    return samples.as_csv(definition, found)


def spoilt(content: bytes) -> bytes:
    """The same rows, of which the first has no number of anybody."""
    return re.sub(rb"\+1\d{10}", b"12345", content, count=1)


def upload(client: FlaskClient, content: bytes | None = None, **form: str) -> TestResponse:
    content = the_file() if content is None else content
    sent = {"vertical": "home_improvement_us", "source": "Search ads", **form}
    keep()
    return client.post(UPLOAD, data={**sent, "file": (io.BytesIO(content), "october.csv")})


def confirming(client: FlaskClient, content: bytes | None = None) -> str:
    """The address of Confirm of a file that was uploaded and mapped."""
    address = led_to(client, upload(client, content))
    return led_to(client, post(client, address)).replace("/check", "/confirm")


def led_to(client: FlaskClient, answer: TestResponse) -> str:
    """The address at which a chain of redirects ends."""
    while answer.status_code == 303:
        address = answer.headers["Location"]
        answer = client.get(address)
    text_of(answer)
    return str(address)


@pytest.fixture
def enter(app: Flask) -> Enter:
    return lambda player: player.sign_in(app.test_client())


@pytest.fixture
def seller(enter: Enter, cast: Cast) -> FlaskClient:
    return enter(cast.seller)


@dataclass
class Stage:
    """The ids that the addresses name."""

    ids: dict[str, str]

    def at(self, path: str) -> str:
        return path.format(**self.ids)


@pytest.fixture
def stage(seller: FlaskClient, cast: Cast, run_jobs: Callable[[], int]) -> Stage:
    files = (the_file(), spoilt(the_file()), the_file())
    draft, checked, taken = (led_to(seller, upload(seller, f)).split("/")[3] for f in files)
    for one in (checked, taken):
        text_of(post(seller, f"/sellers/imports/{one}/map"), 303)
    confirm = f"/sellers/imports/{taken}/confirm"
    led_to(seller, post(seller, confirm, **DEEDS["/sellers/imports/{checked}/confirm"]))
    keep()
    run_jobs()
    db.session.expire_all()
    imported = db.session.scalars(select(Batch)).one()
    sealed = make_sealed(cast.seller, leads=40)
    undecided = make_batch(cast.seller, leads=2, status=BatchStatus.UNDECIDED)
    refused = make_batch(cast.seller, leads=2, status=BatchStatus.REJECTED)
    fund_wallet(cast.seller, 900)
    accepted = make_batch(cast.seller, leads=2)
    lead_return = make_return(cast)
    returns.decide(
        return_id=lead_return.id, outcome=ReturnOutcome.APPROVED,
        explanation="Nobody of this name exists.", actor=cast.admin.actor,
    )  # fmt: skip
    listing = make_listing(cast.seller, leads=2)
    conversion = report(cast.buyer, make_action_lines(cast)[0])
    keep()
    return Stage({
        "conversion": conversion.public_id,
        "draft": draft, "checked": checked, "batch": sealed.public_id,
        "taken": taken, "imported": imported.public_id,
        "accepted": accepted.public_id, "undecided": undecided.public_id,
        "refused": refused.public_id, "parted": make_batch(cast.seller, leads=15).public_id,
        "source": encode("src", accepted.source_id),
        "listing": listing.public_id, "lead_return": lead_return.public_id,
    })  # fmt: skip


def attempt(client: FlaskClient, path: str, ids: dict[str, str], *, deed: bool) -> TestResponse:
    address = path.format(**ids)
    return post(client, address, **DEEDS.get(path, {})) if deed else client.get(address)


def every_door() -> Iterable[tuple[str, bool]]:
    yield from ((path, False) for path in (*PAGES, *LEADING_ON))
    yield from ((path, True) for path in (*DEEDS, *PREVIEWS, UPLOAD, MERGE))


def statuses(client: FlaskClient, ids: dict[str, str]) -> dict[tuple[str, bool], int]:
    return {
        (path, deed): attempt(client, path, ids, deed=deed).status_code
        for path, deed in every_door()
    }


# Tried in tests of their own: test_posting_pages, test_posted, test_offers, test_listing_deeds, and
# test_auctions of the buyers.
ELSEWHERE = (
    *("/sellers/posting", "/sellers/offers", "/sellers/wanted", "/sellers/sales"),
    *("/sellers/auctions", "/sellers/listings/deeds"),
)


def test_every_door_is_tried_here(app: Flask):
    doors = {
        (rule.rule, method == "POST")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("sellers.")
        and not rule.rule.startswith(ELSEWHERE)
        and not rule.rule.endswith("/auction")
        for method in (rule.methods or set()) & {"GET", "POST"}
    }
    names = {name: f"<{kind}_id>" for name, kind in (
        ("draft", "import"), ("checked", "import"), ("taken", "import"), ("batch", "batch"), ("accepted", "batch"),
        ("undecided", "batch"), ("refused", "batch"), ("imported", "batch"), ("parted", "batch"), ("listing", "listing"), ("lead_return", "return"),
        ("source", "source"),
        ("conversion", "conversion"),
    )}  # fmt: skip
    tried = {(path.format(**names), deed) for path, deed in every_door()}
    tried = {
        (
            path.replace("/pause", "/<step>")
            .replace("home_improvement_us", "<code>")
            .replace("/rows/1", "/rows/<int:row>"),
            deed,
        )
        for path, deed in tried
    }
    tried |= {(PICTURE, False), (PICTURE, True), (AGED, True)}
    assert tried == doors


def test_every_page_works_and_is_kept_by_nobody(seller: FlaskClient, stage: Stage):
    for path in PAGES:
        answer = seller.get(stage.at(path))
        body = text_of(answer)
        if answer.mimetype == "text/html":
            assert "<h1" in body, path
            assert "no-store" in answer.headers["Cache-Control"], path


def test_every_deed_works(seller: FlaskClient, stage: Stage):
    for path, form in DEEDS.items():
        answer = post(seller, stage.at(path), **form)
        assert answer.status_code == 303, (path, words_of(answer, answer.status_code)[:600])


def test_nobody_comes_in_without_signing_in(client: FlaskClient):
    found = statuses(client, dict.fromkeys(PREFIXES, "x"))
    assert set(found.values()) == {303}


@pytest.mark.parametrize("who", ["buyer", "verifier", "admin"])
def test_a_stranger_finds_nothing(enter: Enter, stage: Stage, cast: Cast, who: str):
    found = statuses(enter(getattr(cast, who)), stage.ids)
    assert found == dict.fromkeys(every_door(), 404)


def test_another_seller_finds_nothing(enter: Enter, stage: Stage, cast: Cast):
    found = statuses(enter(cast.other_seller), stage.ids)
    owned = {door: status for door, status in found.items() if "{" in door[0]}
    assert owned == dict.fromkeys(owned, 404)


def test_what_does_not_exist_looks_the_same(seller: FlaskClient):
    make_vertical()
    unknown = {name: encode(prefix, uuid7()) for name, prefix in PREFIXES.items()}
    for ids in (unknown, dict.fromkeys(PREFIXES, "no-id-at-all")):
        found = statuses(seller, ids)
        owned = {door: status for door, status in found.items() if "{" in door[0]}
        assert owned == dict.fromkeys(owned, 404)


def test_htmx_gets_the_part_that_the_page_has(seller: FlaskClient, stage: Stage):
    for path in ("/sellers/batches", "/sellers/listings", "/sellers/returns"):
        part = text_of(seller.get(path, headers={"HX-Request": "true"}))
        assert "<html" not in part
        assert part.strip().splitlines()[0].strip() in text_of(seller.get(path))
    page = text_of(seller.get(stage.at("/sellers/batches/{batch}"), headers={"HX-Request": "true"}))
    assert "<html" not in page


def test_lists_have_their_own_words_for_nothing_yet(seller: FlaskClient):
    assert "Upload the first file" in words_of(seller.get("/sellers/"))
    assert "buyers pay" in words_of(seller.get("/sellers/batches"))
    assert "Nothing is on sale yet" in words_of(seller.get("/sellers/listings"))
    assert "Nothing was returned" in words_of(seller.get("/sellers/returns"))
    assert "No batch is in this state" in words_of(seller.get("/sellers/batches?status=sealed"))
    assert seller.get("/sellers/batches?status=lost").status_code == 422


def test_finance_reads_and_changes_nothing(enter: Enter, stage: Stage, cast: Cast):
    email = "fin@seller.example"
    services.add_member(
        email=email, name="Fin", password=PASSWORD,
        organization_id=cast.seller.organization.id, role=Role.FINANCE,
    )  # fmt: skip
    browser = enter(_player(cast.seller.organization, email, Role.FINANCE))
    for path, deed in every_door():
        is_for_uploaders = any(
            word in path
            for word in ("imports", "templates", "/new", "/edit", "problems.csv", "inspection")
        )
        expected = 404 if deed or is_for_uploaders else 200
        assert attempt(browser, path, stage.ids, deed=deed).status_code == expected, path
    assert "/price" not in text_of(browser.get("/sellers/listings"))
    assert "/contest" not in text_of(browser.get(stage.at("/sellers/returns/{lead_return}")))


class TestImport:
    def test_a_file_becomes_a_batch_step_by_step(
        self, seller: FlaskClient, run_jobs: Callable[[], int]
    ):
        address = led_to(seller, upload(seller))
        assert address.endswith("/map")
        words = words_of(seller.get(address))
        assert "the name matches" in words or "another word for it" in words
        draft = address.split("/")[3]
        address = led_to(seller, post(seller, address))
        assert address.endswith("/check")
        assert "Ready 12" in words_of(seller.get(address))
        assert "october.csv" in words_of(seller.get("/sellers/"))
        address = address.replace("/check", "/confirm")
        answer = post(
            seller, address, name="October", quality_class="select", price="60",
            kind="shared", sales_max="2", declared_unsold="1",
        )  # fmt: skip
        running = led_to(seller, answer)
        assert running.endswith("/running")
        keep()
        run_jobs()
        result = led_to(seller, seller.get(running))
        assert result.endswith("/result")
        assert "Became leads 12" in words_of(seller.get(result))
        made = db.session.scalars(select(Batch)).one()
        words = words_of(seller.get(f"/sellers/batches/{made.public_id}"))
        assert "October" in words
        assert "Valid 12" in words
        assert (made.quality_class, made.sales_max) == ("select", 2)
        assert made.price == Money(60_00, Currency.USD)
        assert led_to(seller, seller.get(f"/sellers/imports/{draft}")) == result

    def test_the_form_sent_twice_is_one_batch(self, seller: FlaskClient):
        address = confirming(seller)
        form = {"price": "45", "declared_unsold": "1", "idempotency_key": "once"}
        answers = [post(seller, address, **form) for _ in range(2)]
        assert answers[0].headers["Location"] == answers[1].headers["Location"]
        assert db.session.scalar(select(func.count()).select_from(Batch)) == 1

    def test_what_only_the_seller_knows_is_asked(self, seller: FlaskClient):
        content = the_file().decode("utf-8-sig")
        name = content.splitlines()[1].split(",")[0]
        answer = upload(seller, content.replace(name, "José Muñoz", 1).encode("cp1252"))
        address = led_to(seller, answer)
        assert address.endswith("/recognise")
        page = text_of(seller.get(address))
        assert "José Muñoz" in page  # the preview decides
        assert words_of(post(seller, address, encoding="klingon"), 422)
        address = led_to(seller, post(seller, address, encoding="cp1252"))
        assert address.endswith("/map")

    @pytest.mark.parametrize(
        ("form", "field"),
        [
            ({"vertical": ""}, "vertical"),
            ({"source": ""}, "source"),
            ({"source": "x" * 201}, "source"),
        ],
    )
    def test_a_field_that_is_missing_is_named(
        self, seller: FlaskClient, form: dict[str, str], field: str
    ):
        assert f'href="#f-{field}"' in text_of(upload(seller, **form), 422)

    def test_a_file_is_needed(self, seller: FlaskClient):
        make_vertical()
        form = {"vertical": "home_improvement_us", "source": "Search ads"}
        assert 'href="#f-file"' in text_of(post(seller, UPLOAD, **form), 422)

    @pytest.mark.parametrize("content", [b"", b"%PDF-1.4 not a table", b"name,phone\r\n"])
    def test_a_file_that_is_no_table_is_refused_with_the_reason(
        self, seller: FlaskClient, content: bytes
    ):
        make_vertical()
        answer = upload(seller, content)
        assert 400 <= answer.status_code < 500
        assert "error-summary" in text_of(answer, answer.status_code)
        drafts = db.session.scalars(select(Import.status)).all()
        assert ImportStatus.RECOGNISED not in drafts

    def test_the_same_file_again_must_be_meant(self, seller: FlaskClient):
        content = the_file()
        address = confirming(seller, content)
        text_of(post(seller, address, price="45", declared_unsold="1"), 303)
        answer = upload(seller, content)
        assert "uploaded before" in words_of(answer, 409)
        assert 'name="again"' in text_of(answer, 409)
        made = db.session.scalars(select(Batch)).one()
        assert f'href="/sellers/batches/{made.public_id}"' in text_of(answer, 409)
        text_of(upload(seller, content, again="1"), 303)

    def test_a_required_column_must_be_mapped(self, seller: FlaskClient):
        address = led_to(seller, upload(seller))
        phone = re.search(
            r'name="column-(\d+)" aria-label="Field for phone"',
            text_of(seller.get(address)),
            re.IGNORECASE,
        )
        assert phone is not None
        answer = post(seller, address, **{f"column-{phone.group(1)}": "-"})
        assert "error-summary" in text_of(answer, 422)

    @pytest.mark.parametrize(
        ("form", "field"),
        [
            ({"price": ""}, "price"), ({"price": "a lot"}, "price"),
            ({"declared_unsold": ""}, "declared_unsold"), ({"sales_max": "11"}, "sales_max"),
            ({"quality_class": "best"}, "quality_class"), ({"kind": "stolen"}, "kind"),
        ],
    )  # fmt: skip
    def test_terms_that_make_no_sense_are_named(
        self, seller: FlaskClient, form: dict[str, str], field: str
    ):
        address = confirming(seller)
        answer = post(seller, address, **{"price": "45", "declared_unsold": "1", **form})
        assert f'href="#f-{field}"' in text_of(answer, 422)
        assert db.session.scalar(select(func.count()).select_from(Batch)) == 0

    def test_a_draft_can_be_dropped_once(self, seller: FlaskClient):
        address = led_to(seller, upload(seller))
        draft = address.split("/")[3]
        text_of(post(seller, f"/sellers/imports/{draft}/abandon"), 303)
        assert seller.get(f"/sellers/imports/{draft}").status_code == 410
        assert get(Import, parse_id(draft, Import)).status is ImportStatus.ABANDONED
        assert post(seller, f"/sellers/imports/{draft}/abandon").status_code == 409


class TestBatches:
    def test_a_nonce_draws_the_sample(self, seller: FlaskClient, cast: Cast):
        batch = make_sealed(cast.seller, leads=40)
        address = f"/sellers/batches/{batch.public_id}"
        assert "Draw now" in words_of(seller.get(address))
        text_of(post(seller, f"{address}/nonce", nonce="my own words"), 303)
        words = words_of(seller.get(address))
        assert "my own words" in words
        assert "people checked" in words
        again = post(seller, f"{address}/nonce", nonce="others")
        assert 400 <= again.status_code < 500
        too_long = post(seller, f"{address}/nonce", nonce="x" * 201)
        assert 'href="#f-nonce"' in text_of(too_long, 422)

    def test_an_undecided_lot_is_sold_as_unverified(self, seller: FlaskClient, cast: Cast):
        batch = make_batch(cast.seller, leads=2, status=BatchStatus.UNDECIDED)
        address = f"/sellers/batches/{batch.public_id}"
        keep()
        assert "Sell as Unverified" in words_of(seller.get(address))
        text_of(post(seller, f"{address}/unverified"), 303)
        listing = db.session.scalars(select(Listing)).one()
        assert listing.quality_class == "unverified"
        assert post(seller, f"{address}/unverified").status_code == 409

    def test_a_batch_is_withdrawn_once(self, seller: FlaskClient, cast: Cast):
        batch = make_batch(cast.seller, leads=2)
        address = f"/sellers/batches/{batch.public_id}/withdraw"
        text_of(post(seller, address), 303)
        assert post(seller, address).status_code == 409

    def test_a_rejected_lot_says_so(self, seller: FlaskClient, cast: Cast):
        batch = make_batch(cast.seller, leads=2, status=BatchStatus.SAMPLING)
        batches.decide_batch(batch_id=batch.id, decision=BatchStatus.REJECTED, actor=SYSTEM)
        keep()
        words = words_of(seller.get(f"/sellers/batches/{batch.public_id}"))
        assert "more bad leads than its class allows" in words


class TestListings:
    @pytest.fixture
    def listing(self, cast: Cast) -> Listing:
        made = make_listing(cast.seller, leads=3)
        keep()
        return made

    def now(self, listing: Listing) -> Listing:
        db.session.refresh(listing)
        return listing

    def test_the_list_says_what_is_sold_and_left(
        self, seller: FlaskClient, listing: Listing, cast: Cast
    ):
        words = words_of(seller.get("/sellers/listings"))
        for part in ("A lot of tests", "On sale", "Pause", "exclusive"):
            assert part in words
        assert "not enough sales for a market price" in words
        assert 'value="45.00"' in text_of(seller.get("/sellers/listings"))

    def test_a_new_price_is_a_new_version(self, seller: FlaskClient, listing: Listing):
        address = f"/sellers/listings/{listing.public_id}/price"
        text_of(post(seller, address, price="52,50"), 303)
        assert self.now(listing).price == Money(52_50, Currency.USD)
        assert listing.terms_version == 2
        text_of(post(seller, address, price="52.50"), 303)
        assert self.now(listing).terms_version == 2  # the same price again changes nothing

    @pytest.mark.parametrize("price", ["", "much", "-3", "0", "99999999999"])
    def test_a_price_that_is_none_is_refused_with_the_page(
        self, seller: FlaskClient, listing: Listing, price: str
    ):
        answer = post(seller, f"/sellers/listings/{listing.public_id}/price", price=price)
        assert "error-summary" in text_of(answer, 422)
        assert self.now(listing).price == Money(45_00, Currency.USD)

    def test_a_sale_is_paused_continued_and_ended(self, seller: FlaskClient, listing: Listing):
        address = f"/sellers/listings/{listing.public_id}"
        for step, status in (
            ("pause", ListingStatus.PAUSED), ("publish", ListingStatus.PUBLISHED),
            ("withdraw", ListingStatus.WITHDRAWN),
        ):  # fmt: skip
            text_of(post(seller, f"{address}/{step}"), 303)
            assert self.now(listing).status is status
        page = text_of(post(seller, f"{address}/publish"), 409)
        assert "error-summary" in page
        assert post(seller, f"{address}/explode").status_code == 404

    def test_a_draft_can_be_put_on_sale(self, seller: FlaskClient, cast: Cast):
        draft = make_draft(cast.seller, leads=2)
        keep()
        assert "Put on sale" in words_of(seller.get("/sellers/listings"))
        text_of(post(seller, f"/sellers/listings/{draft.public_id}/publish"), 303)
        assert self.now(draft).status is ListingStatus.PUBLISHED

    def test_what_the_exchange_paused_only_the_exchange_continues(
        self, seller: FlaskClient, listing: Listing
    ):
        listings.suspend_sale_of_batch(batch_id=listing.batch_id, reason="inspection")
        keep()
        words = words_of(seller.get("/sellers/listings"))
        assert "while every lead is called" in words
        assert "Put on sale" not in words


class TestReturns:
    @pytest.fixture
    def granted(self, cast: Cast) -> LeadReturn:
        made = make_return(cast)
        returns.decide(
            return_id=made.id, outcome=ReturnOutcome.APPROVED,
            explanation="Nobody of this name exists.", actor=cast.admin.actor,
        )  # fmt: skip
        keep()
        return made

    def test_a_return_is_seen_without_the_buyer(
        self, seller: FlaskClient, granted: LeadReturn, cast: Cast
    ):
        for address in ("/sellers/returns", f"/sellers/returns/{granted.public_id}"):
            words = words_of(seller.get(address))
            assert "Made-up data" in words
            assert cast.buyer.organization.trade_name not in words
            assert cast.buyer.organization.name not in words
        assert "Nobody of this name exists." in words

    def test_an_objection_goes_to_the_operator(self, seller: FlaskClient, granted: LeadReturn):
        address = f"/sellers/returns/{granted.public_id}"
        text_of(post(seller, f"{address}/contest", explanation="He told us otherwise."), 303)
        words = words_of(seller.get(address))
        assert "The seller objects He told us otherwise." in words
        assert "Object to the return" not in words
        db.session.refresh(granted)
        assert granted.status is ReturnStatus.CONTESTED
        again = post(seller, f"{address}/contest", explanation="And again.")
        assert again.status_code == 409

    @pytest.mark.parametrize("explanation", ["", "   ", "x" * 2_001])
    def test_an_objection_needs_words(
        self, seller: FlaskClient, granted: LeadReturn, explanation: str
    ):
        answer = post(
            seller, f"/sellers/returns/{granted.public_id}/contest", explanation=explanation
        )
        assert 'href="#f-explanation"' in text_of(answer, 422)

    def test_the_time_for_objections_ends(self, seller: FlaskClient, granted: LeadReturn):
        pass_time()
        keep()
        address = f"/sellers/returns/{granted.public_id}"
        assert "Object to the return" not in words_of(seller.get(address))
        answer = post(seller, f"{address}/contest", explanation="Too late.")
        assert answer.status_code == 410
