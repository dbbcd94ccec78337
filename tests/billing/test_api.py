from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from exchange.billing import chain
from exchange.billing.models import Payout, PayoutAccount, TopUp
from exchange.billing.services import sealing
from exchange.core.db import db
from tests.billing.books import Deal, commit, eur, fund
from tests.billing.test_top_ups import start
from tests.billing.test_views import earn, token
from tests.cast import Cast
from tests.factories.catalog import make_vertical
from tests.servers.stripe_sandbox import StripeSandbox

API = "/api/v1"
EUROS = {"amount": 5_000, "currency": "EUR"}


@pytest.fixture
def buyer_key(cast: Cast) -> dict[str, str]:
    make_vertical("mortgage_es")  # something that is paid in euros
    return cast.buyer.key("money:read", "wallet:top_up")


@pytest.fixture
def seller_key(cast: Cast) -> dict[str, str]:
    return cast.seller.key("money:read", "payout:request")


def with_idempotency(key: dict[str, str]) -> dict[str, str]:
    return key | {"Idempotency-Key": token()}


class TestWallet:
    def test_balances_are_shown_by_currency_and_account(
        self, cast: Cast, client: FlaskClient, buyer_key: dict[str, str]
    ) -> None:
        fund(cast.buyer, 30_000)
        Deal(cast.buyer, cast.seller).hold()
        commit()
        body = client.get(f"{API}/wallet", headers=buyer_key).json
        assert body["object"] == "wallet"
        (balances,) = body["balances"]
        assert balances["currency"] == "EUR"
        assert balances["wallet"] == {"amount": 20_000, "currency": "EUR"}
        assert balances["held"] == {"amount": 10_000, "currency": "EUR"}

    def test_without_a_key_nobody_comes_in(self, client: FlaskClient) -> None:
        assert client.get(f"{API}/wallet").status_code == 401

    def test_a_key_without_the_scope_finds_nothing(self, cast: Cast, client: FlaskClient) -> None:
        key = cast.buyer.key("wallet:top_up")
        assert client.get(f"{API}/wallet", headers=key).status_code == 404


class TestTopUps:
    def test_started_and_read_it_shows_where_to_pay(
        self, client: FlaskClient, buyer_key: dict[str, str], stripe: StripeSandbox
    ) -> None:
        made = client.post(
            f"{API}/top_ups", json={"amount": EUROS}, headers=with_idempotency(buyer_key)
        )
        assert made.status_code == 201
        assert made.json["checkout_url"] is None
        assert (made.json["status"], made.json["amount"]) == ("started", EUROS)
        seen = client.get(f"{API}/top_ups/{made.json['id']}", headers=buyer_key).json
        assert seen["checkout_url"] == stripe.objects("checkout.session")[0]["url"]
        listed = client.get(f"{API}/top_ups", headers=buyer_key).json
        assert [item["id"] for item in listed["data"]] == [made.json["id"]]

    def test_repeated_with_its_key_it_is_one_top_up(
        self, client: FlaskClient, buyer_key: dict[str, str]
    ) -> None:
        headers = with_idempotency(buyer_key)
        answers = [
            client.post(f"{API}/top_ups", json={"amount": EUROS}, headers=headers) for _ in range(2)
        ]
        assert answers[0].data == answers[1].data
        assert answers[1].headers["Idempotent-Replayed"] == "true"
        assert db.session.query(TopUp).count() == 1

    def test_without_an_idempotency_key_nothing_is_started(
        self, client: FlaskClient, buyer_key: dict[str, str]
    ) -> None:
        answer = client.post(f"{API}/top_ups", json={"amount": EUROS}, headers=buyer_key)
        assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_required")

    @pytest.mark.parametrize(
        "amount",
        [
            None,
            50,
            {"amount": "50", "currency": "EUR"},
            {"amount": 1, "currency": "EUR"},
            {"amount": 5_000, "currency": "XTS"},
        ],
    )
    def test_what_is_no_amount_is_refused(
        self, client: FlaskClient, buyer_key: dict[str, str], amount: object
    ) -> None:
        answer = client.post(
            f"{API}/top_ups", json={"amount": amount}, headers=with_idempotency(buyer_key)
        )
        assert answer.status_code == 422
        assert answer.json["errors"][0]["pointer"] == "/amount"

    def test_a_strangers_is_not_found(
        self, cast: Cast, client: FlaskClient, buyer_key: dict[str, str]
    ) -> None:
        other = start(cast.other_buyer)
        answer = client.get(f"{API}/top_ups/{other.public_id}", headers=buyer_key)
        assert answer.status_code == 404


class TestTransfers:
    def test_lines_come_newest_first_and_page_on(
        self, cast: Cast, client: FlaskClient, buyer_key: dict[str, str]
    ) -> None:
        fund(cast.buyer, 30_000)
        Deal(cast.buyer, cast.seller).hold()
        commit()
        first = client.get(f"{API}/transfers?limit=2", headers=buyer_key).json
        assert first["has_more"]
        assert {line["reason"] for line in first["data"]} == {"held"}
        cursor = first["next_cursor"]
        rest = client.get(f"{API}/transfers?limit=2&cursor={cursor}", headers=buyer_key).json
        (line,) = rest["data"]
        assert not rest["has_more"]
        assert (line["object"], line["account"], line["reason"]) == (
            "transfer",
            "wallet",
            "topped_up",
        )
        assert line["amount"] == line["balance"] == {"amount": 30_000, "currency": "EUR"}
        assert set(line["subject"]) == {"id", "object"}

    def test_filters_cut_it_down(
        self, cast: Cast, client: FlaskClient, buyer_key: dict[str, str]
    ) -> None:
        fund(cast.buyer, 30_000)
        commit()
        for query, count in (
            ("account=wallet", 1),
            ("account=held", 0),
            ("currency=USD", 0),
            ("created_at[gte]=2100-01-01T00:00:00Z", 0),
            ("created_at[gte]=2000-01-01T00:00:00Z", 1),
        ):
            found = client.get(f"{API}/transfers?{query}", headers=buyer_key).json
            assert len(found["data"]) == count, query

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ("account=cellar", 422),
            ("limit=101", 422),
            ("cursor=x", 400),
            ("created_at[gte]=now", 422),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, client: FlaskClient, buyer_key: dict[str, str], query: str, status: int
    ) -> None:
        assert client.get(f"{API}/transfers?{query}", headers=buyer_key).status_code == status


class TestPayouts:
    def test_requested_and_read(
        self,
        cast: Cast,
        client: FlaskClient,
        seller_key: dict[str, str],
        ready_account: Callable[..., PayoutAccount],
    ) -> None:
        earn(cast, ready_account)
        made = client.post(
            f"{API}/payouts", json={"currency": "EUR"}, headers=with_idempotency(seller_key)
        )
        assert made.status_code == 201
        assert made.json["amount"] == {"amount": 7_500, "currency": "EUR"}
        for address in (f"payouts/{made.json['id']}", "payouts"):
            seen = client.get(f"{API}/{address}", headers=seller_key).json
            assert seen.get("data", [seen])[0]["status"] == "releasable"

    def test_an_amount_says_its_currency_itself(
        self,
        cast: Cast,
        client: FlaskClient,
        seller_key: dict[str, str],
        ready_account: Callable[..., PayoutAccount],
    ) -> None:
        earn(cast, ready_account)
        made = client.post(
            f"{API}/payouts", json={"amount": EUROS}, headers=with_idempotency(seller_key)
        )
        assert made.json["amount"] == EUROS

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({}, 422, "invalid"),
            ({"currency": "XTS"}, 422, "invalid"),
            ({"currency": "USD", "amount": EUROS}, 422, "invalid"),
            ({"amount": {"amount": 9_999_999, "currency": "EUR"}}, 402, "insufficient_funds"),
            ({"currency": "USD"}, 409, "nothing_payable"),
        ],
    )
    def test_what_cannot_be_paid_out_is_refused(
        self,
        cast: Cast,
        client: FlaskClient,
        seller_key: dict[str, str],
        ready_account: Callable[..., PayoutAccount],
        body: dict[str, object],
        status: int,
        code: str,
    ) -> None:
        earn(cast, ready_account)
        answer = client.post(f"{API}/payouts", json=body, headers=with_idempotency(seller_key))
        assert (answer.status_code, answer.json["code"]) == (status, code)
        assert db.session.query(Payout).count() == 0

    def test_what_is_missing_is_named(
        self,
        cast: Cast,
        client: FlaskClient,
        seller_key: dict[str, str],
        ready_account: Callable[..., PayoutAccount],
    ) -> None:
        earn(cast, ready_account)
        body = {"amount": {"amount": 7_600, "currency": "EUR"}}
        answer = client.post(f"{API}/payouts", json=body, headers=with_idempotency(seller_key))
        assert (answer.json["missing"], answer.json["currency"]) == (100, "EUR")

    def test_a_strangers_is_not_found(
        self,
        cast: Cast,
        client: FlaskClient,
        seller_key: dict[str, str],
        ready_account: Callable[..., PayoutAccount],
    ) -> None:
        earn(cast, ready_account)
        made = client.post(
            f"{API}/payouts", json={"currency": "EUR"}, headers=with_idempotency(seller_key)
        )
        other = cast.other_seller.key("money:read")
        assert client.get(f"{API}/payouts/{made.json['id']}", headers=other).status_code == 404


class TestLedger:
    def test_anybody_may_see_the_head_and_former_links(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        assert client.get(f"{API}/ledger/head").json == {
            "object": "ledger_head",
            "seq": 0,
            "hash": chain.GENESIS.hex(),
            "sealed_at": None,
        }
        seal_two(cast)
        head = client.get(f"{API}/ledger/head").json
        former = client.get(f"{API}/ledger/head?seq=1").json
        assert (head["seq"], former["seq"]) == (2, 1)
        assert head["hash"] != former["hash"]
        assert client.get(f"{API}/ledger/head?seq=3").status_code == 404

    def test_a_program_can_verify_its_own_entries_with_nothing_but_the_answer(
        self, cast: Cast, client: FlaskClient, buyer_key: dict[str, str]
    ) -> None:
        seal_two(cast)
        proof = client.get(f"{API}/ledger/proof", headers=buyer_key).json
        assert [link["seq"] for link in proof["data"]] == [2, 1]
        for link in proof["data"]:
            expected = chain.link_hash(bytes.fromhex(link["previous"]), link["document"])
            assert link["hash"] == expected.hex()

    def test_it_pages_on_and_shows_only_what_is_ones_own(
        self, cast: Cast, client: FlaskClient, buyer_key: dict[str, str]
    ) -> None:
        seal_two(cast)
        first = client.get(f"{API}/ledger/proof?limit=1", headers=buyer_key).json
        cursor = first["next_cursor"]
        rest = client.get(f"{API}/ledger/proof?limit=1&cursor={cursor}", headers=buyer_key).json
        assert ([link["seq"] for link in rest["data"]], rest["has_more"]) == ([1], False)
        own, other = cast.buyer.organization.public_id, cast.other_buyer.organization.public_id
        for org, status in ((own, 200), (other, 404)):
            answer = client.get(f"{API}/ledger/proof?org={org}", headers=buyer_key)
            assert answer.status_code == status


def seal_two(cast: Cast) -> None:
    fund(cast.buyer, 30_000)
    Deal(cast.buyer, cast.seller, eur(100)).hold()
    sealing.seal_pending()
    commit()
