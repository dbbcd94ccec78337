"""The seller's choice about a lot that was not accepted: pages, API and the money that is shown."""

from __future__ import annotations

import re
from html import unescape

from flask.testing import FlaskClient

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind, TopUp
from exchange.catalog.scripts import Outcome
from exchange.core.db import db, get
from exchange.leads.models import Batch, BatchStatus
from exchange.verification.queries import inspected
from tests.cast import Cast
from tests.factories.billing import fund_wallet
from tests.verification.support import everybody, make_sample, these, work

API = "/api/v1/batches"


def rejected(cast: Cast) -> Batch:
    """A lot of 60 that its sample rejected at once."""
    sample = make_sample(cast.seller, leads=60)
    work(cast.verifier, everybody(Outcome.DENIES), calls=4)
    batch = get(Batch, sample.batch_id)
    assert batch.status is BatchStatus.REJECTED
    db.session.commit()
    return batch


def undecided(cast: Cast) -> Batch:
    """A lot of which too many wanted to be left alone."""
    sample = make_sample(cast.seller)
    work(cast.verifier, these(dict.fromkeys(range(1, 10), Outcome.DO_NOT_CALL)))
    batch = get(Batch, sample.batch_id)
    assert batch.status is BatchStatus.UNDECIDED
    db.session.commit()
    return batch


def fund(cast: Cast, batch: Batch) -> None:
    total = inspected.estimate(batch).total
    fund_wallet(cast.seller, total.amount, total.currency)
    db.session.commit()


def held(cast: Cast, batch: Batch) -> int:
    kind, currency = AccountKind.HELD, batch.price.currency
    return billing.balance(cast.seller.organization.id, kind, currency).amount


def form_of(page: str) -> dict[str, str]:
    """The hidden fields of the page's form."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


class TestPages:
    def test_a_rejected_lot_offers_inspection_and_withdrawal(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        batch = rejected(cast)
        page = cast.seller.sign_in(client).get(f"/sellers/batches/{batch.public_id}").text
        assert "This lot has not passed the check" in page
        assert f"/sellers/batches/{batch.public_id}/inspection" in page
        assert f"/sellers/batches/{batch.public_id}/withdraw" in page
        assert f"/sellers/batches/{batch.public_id}/unverified" not in page

    def test_an_undecided_lot_offers_all_three(self, cast: Cast, client: FlaskClient) -> None:
        batch = undecided(cast)
        page = cast.seller.sign_in(client).get(f"/sellers/batches/{batch.public_id}").text
        for word in ("inspection", "withdraw", "unverified"):
            assert f"/sellers/batches/{batch.public_id}/{word}" in page

    def test_what_is_missing_is_said_before_money_moves(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        batch = rejected(cast)
        page = cast.seller.sign_in(client).get(f"/sellers/batches/{batch.public_id}/inspection")
        assert page.status_code == 200
        assert "is missing" in page.text
        (there,) = re.findall(r'href="(/money\?[^"]+)#top-up"', page.text)
        form = cast.seller.sign_in(client).get(unescape(there)).text
        lacks = inspected.estimate(batch).total
        assert '<option value="USD" selected>' in form
        assert f'value="{lacks.amount // 100}.{lacks.amount % 100:02d}"' in form
        assert "idempotency_key" not in page.text

    def test_confirming_holds_the_sum_that_was_shown(self, cast: Cast, client: FlaskClient) -> None:
        batch = rejected(cast)
        fund(cast, batch)
        total = inspected.estimate(batch).total
        browser = cast.seller.sign_in(client)
        address = f"/sellers/batches/{batch.public_id}/inspection"
        form = form_of(browser.get(address).text)
        assert form["amount"] == str(total.amount)
        for _ in range(2):  # a double click
            assert browser.post(address, data=form).status_code == 303
        assert held(cast, batch) == total.amount
        db.session.expire_all()
        page = browser.get(f"/sellers/batches/{batch.public_id}").text
        assert "0 of 56 people have been called" in page

    def test_a_second_tab_with_another_sum_is_told_so(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        batch = rejected(cast)
        fund(cast, batch)
        browser = cast.seller.sign_in(client)
        address = f"/sellers/batches/{batch.public_id}/inspection"
        form = {**form_of(browser.get(address).text), "amount": "1"}
        refused = browser.post(address, data=form)
        assert refused.status_code == 409
        assert "Look at the new sum" in refused.text
        assert held(cast, batch) == 0

    def test_without_money_the_post_is_refused(self, cast: Cast, client: FlaskClient) -> None:
        batch = rejected(cast)
        total = inspected.estimate(batch).total
        data = {
            "amount": total.amount, "currency": total.currency.value, "idempotency_key": "k",
        }  # fmt: skip
        address = f"/sellers/batches/{batch.public_id}/inspection"
        refused = cast.seller.sign_in(client).post(address, data=data)
        assert refused.status_code == 402
        assert "Pay in what is missing" in refused.text

    def test_a_strangers_lot_is_not_found(self, cast: Cast, client: FlaskClient) -> None:
        batch = rejected(cast)
        address = f"/sellers/batches/{batch.public_id}/inspection"
        assert cast.other_seller.sign_in(client).get(address).status_code == 404

    def test_of_an_accepted_lot_leads_back_to_it(self, cast: Cast, client: FlaskClient) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, everybody(Outcome.CONFIRMED))
        batch = get(Batch, sample.batch_id)
        db.session.commit()
        address = f"/sellers/batches/{batch.public_id}"
        answer = cast.seller.sign_in(client).get(f"{address}/inspection")
        assert (answer.status_code, answer.location) == (303, address)


class TestApi:
    def test_offers_starts_and_shows_how_far_it_is(self, cast: Cast, client: FlaskClient) -> None:
        batch = rejected(cast)
        fund(cast, batch)
        key = cast.seller.key("batch:read", "batch:upload")
        address = f"{API}/{batch.public_id}/inspection"
        offered = client.get(address, headers=key).json
        assert offered is not None
        assert (offered["status"], offered["covers"], offered["people"]) == ("offered", "lot", 56)
        assert offered["missing"]["amount"] == 0
        started = client.post(
            address, headers={**key, "Idempotency-Key": "one"}, json={"total": offered["total"]}
        )
        assert started.status_code == 201
        assert started.json is not None
        assert (started.json["status"], started.json["answered"]) == ("running", 0)
        db.session.expire_all()
        shown = client.get(f"{API}/{batch.public_id}", headers=key).json
        assert shown is not None
        assert shown["status"] == "in_full_inspection"

    def test_says_what_is_missing(self, cast: Cast, client: FlaskClient) -> None:
        batch = rejected(cast)
        key = {**cast.seller.key("batch:read", "batch:upload"), "Idempotency-Key": "one"}
        refused = client.post(f"{API}/{batch.public_id}/inspection", headers=key, json={})
        assert refused.status_code == 402
        assert refused.json is not None
        assert refused.json["missing"] == inspected.estimate(batch).total.amount

    def test_sells_as_unverified(self, cast: Cast, client: FlaskClient) -> None:
        batch = undecided(cast)
        key = cast.seller.key("batch:read", "listing:publish")
        sold = client.post(f"{API}/{batch.public_id}/unverified", headers=key)
        assert sold.status_code == 200
        assert sold.json is not None
        assert sold.json["status"] == "accepted"


class TestPayingIn:
    def test_a_seller_pays_into_a_wallet_of_its_own(self, cast: Cast, client: FlaskClient) -> None:
        browser = cast.seller.sign_in(client)
        assert "Pay in for a full inspection" in browser.get("/money").text
        form = {"currency": "USD", "amount": "25.00", "idempotency_key": "k"}
        started = browser.post("/money/top-ups", data=form)
        assert started.status_code == 303
        top_up = db.session.query(TopUp).one()
        assert top_up.organization_id == cast.seller.organization.id
        page = browser.get(f"/money/top-ups/{top_up.public_id}")
        assert page.status_code == 200
        assert 'href="/money"' in page.text
        assert browser.get("/money/top-ups").status_code == 200
