"""Every door of the buyer: it works, a stranger finds nothing, nobody sees what is another's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from exchange.core.db import db, save
from exchange.core.ids import encode, uuid7
from exchange.identity import services
from exchange.identity.permissions import Role
from exchange.market.contract_models import ContractSource
from exchange.market.models import Listing
from exchange.market.queries import get_batch_of
from tests.buyers.conftest import Enter
from tests.buyers.support import bought, keep, key, lines_on, text_of
from tests.cast import PASSWORD, Cast, Player, _player
from tests.factories.actions import deliver, make_action_contract, report
from tests.factories.catalog import VERTICAL
from tests.factories.contracts import make_contract

LISTS = (
    *("/buyers/", "/buyers/market", "/buyers/orders", "/buyers/leads", "/buyers/returns"),
    *("/buyers/actions", "/buyers/contracts"),
)
PAGES = (
    *LISTS,
    "/buyers/leads/{action_line}/action",
    "/buyers/actions/{conversion}",
    "/buyers/market/compare?ids={listing}",
    "/buyers/listings/{listing}",
    "/buyers/listings/{listing}/buy?quantity=2",
    "/buyers/listings/{listing}/try",
    "/buyers/orders/{order}",
    "/buyers/leads/{line}",
    "/buyers/leads/{line}/return",
    "/buyers/returns/{lead_return}",
    "/buyers/contracts/new",
    "/buyers/contracts/presets",
    "/buyers/contracts/{contract}",
    "/buyers/contracts/{contract}/edit",
)
CONTRACT = {
    "vertical": VERTICAL,
    "name": "Roofs",
    "price": "50",
    "kinds": "exclusive",
    "time_zone": "America/New_York",
}
# Tried in tests of their own: test_auctions, test_saved_searches, test_contract_deeds, and
# test_offer of the journeys.
ELSEWHERE = (
    *("/buyers/auctions", "/buyers/market/saved"),
    *("/buyers/contracts/deeds", "/buyers/contracts/prices"),
)
PICTURE = "/buyers/listings/{listing}/picture"  # tried in tests/sellers/test_sources.py
DEEDS: dict[str, tuple[dict[str, str], int]] = {
    "/buyers/listings/{listing}/orders": ({"quantity": "1", "terms_version": "1"}, 303),
    # Who has bought from it cannot try it: tests/buyers/test_trying.py does.
    "/buyers/listings/{listing}/test-orders": ({"terms_version": "1"}, 409),
    "/buyers/leads/{line}/contact": ({}, 200),
    "/buyers/orders/{order}/contacts": ({}, 200),
    "/buyers/orders/{order}/export": ({"separator": "comma"}, 200),
    "/buyers/leads/{second_line}/return": ({"reason": "fictitious"}, 303),
    "/buyers/leads/{action_line}/action": ({"reference": "crm-7"}, 303),
    "/buyers/actions/{conversion}/approve": ({}, 303),
    "/buyers/actions/{second_conversion}/reject": ({"reason": "cancelled"}, 303),
    "/buyers/contracts": (CONTRACT, 303),
    "/buyers/contracts/forecast": (CONTRACT, 200),
    "/buyers/contracts/{contract}": (CONTRACT, 303),
    "/buyers/contracts/{contract}/steps/{step}": ({}, 303),
    "/buyers/contracts/{contract}/sources/{contract_source}/{decision}": ({}, 303),
}
PARTS = (
    "/buyers/market",
    "/buyers/orders",
    "/buyers/leads",
    "/buyers/returns",
    "/buyers/actions",
    "/buyers/contracts",
    "/buyers/listings/{listing}",
    "/buyers/orders/{order}",
)
PREFIXES = {
    "listing": "lst",
    "order": "ord",
    "line": "line",
    "second_line": "line",
    "lead_return": "ret",
    "action_line": "line",
    "conversion": "cnv",
    "second_conversion": "cnv",
    "contract": "con",
    "contract_source": "cos",
    "step": "step",
    "decision": "step",
}
OF_ONE_BUYER = tuple(
    f"{{{name}}}"
    for name in PREFIXES
    if name not in {"listing", "contract_source", "step", "decision"}
)


@dataclass
class Stage:
    """The ids that the addresses name, and whoever may use them."""

    browser: FlaskClient
    ids: dict[str, str]

    def at(self, path: str) -> str:
        return path.format(**self.ids)


def of_a_contract(cast: Cast, listing: Listing) -> dict[str, str]:
    """A contract of the buyer for which a source waits, and what is done with them."""
    contract = make_contract(cast.buyer)
    asked = ContractSource(
        contract_id=contract.id,
        source_id=get_batch_of(listing).source_id,
        organization_id=listing.organization_id,
    )
    ids = {"contract": contract.public_id, "contract_source": save(asked).public_id}
    keep()
    return {**ids, "step": "pause", "decision": "approve"}


@pytest.fixture
def stage(buyer: FlaskClient, listing: Listing, cast: Cast) -> Stage:
    order = bought(buyer, listing, 3)
    line, second, *_ = lines_on(text_of(buyer.get(order)))
    asked = {"reason": "fictitious", "idempotency_key": key()}
    third = lines_on(text_of(buyer.get(order)))[2]
    answer = buyer.post(f"/buyers/leads/{third}/return", data=asked)
    ids = {
        "listing": listing.public_id,
        "order": order.rpartition("/")[2],
        "line": line,
        "second_line": second,
        "lead_return": answer.headers["Location"].rpartition("/")[2],
        **per_action(cast, listing),
        **of_a_contract(cast, listing),
    }
    return Stage(buyer, ids)


def per_action(cast: Cast, listing: Listing) -> dict[str, str]:
    """Leads that are paid by their action: one to report, two to decide about."""
    lines = deliver(make_action_contract(cast.buyer), listing, 3)
    first, second = (report(cast.buyer, line) for line in lines[1:])
    db.session.commit()
    return {
        "action_line": lines[0].public_id,
        "conversion": first.public_id,
        "second_conversion": second.public_id,
    }


def send(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    return client.post(path, data={"idempotency_key": key(), **form})


def test_every_door_is_tried_here(app: Flask):
    doors = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("buyers.")
        and not rule.rule.startswith(ELSEWHERE)
        and not rule.rule.endswith("publish")
        for method in (rule.methods or set()) & {"GET", "POST"}
    }
    names = {"listing": "listing_id", "order": "order_id", "line": "line_id"}
    names |= {"second_line": "line_id", "lead_return": "return_id", "action_line": "line_id"}
    names |= {"conversion": "conversion_id", "second_conversion": "conversion_id"}
    names |= {"contract": "contract_id", "contract_source": "contract_source_id"}
    names |= {"step": "step", "decision": "step"}
    as_rules = {name: f"<{rule}>" for name, rule in names.items()}
    tried = {("GET", path.partition("?")[0].format(**as_rules)) for path in PAGES}
    tried |= {("POST", path.format(**as_rules)) for path in DEEDS}
    tried.add(("GET", PICTURE.format(**as_rules)))
    assert tried == doors


def attempt(client: FlaskClient, path: str, ids: dict[str, str]) -> TestResponse:
    """The page asked for, or the deed tried, with what it needs."""
    address = path.format(**ids)
    return send(client, address, DEEDS[path][0]) if path in DEEDS else client.get(address)


def statuses(client: FlaskClient, paths: Iterable[str], ids: dict[str, str]) -> dict[str, int]:
    return {path: attempt(client, path, ids).status_code for path in paths}


# One stage serves all addresses: what differs between them is the address alone.
def test_a_page_works_and_is_kept_by_nobody(stage: Stage):
    for path in PAGES:
        answer = stage.browser.get(stage.at(path))
        assert "<h1" in text_of(answer), path
        assert "no-store" in answer.headers["Cache-Control"], path


@pytest.mark.parametrize("path", DEEDS)
def test_a_deed_works(stage: Stage, path: str):
    form, status = DEEDS[path]
    text_of(send(stage.browser, stage.at(path), form), status)


def test_nobody_comes_in_without_signing_in(client: FlaskClient):
    for path in (*PAGES, *DEEDS):
        answer = attempt(client, path, dict.fromkeys(PREFIXES, "x"))
        assert answer.status_code == 303, path
        assert "/sign-in" in answer.headers["Location"], path


@pytest.mark.parametrize("who", ["seller", "verifier", "admin"])
def test_a_stranger_finds_nothing(stage: Stage, enter: Enter, cast: Cast, who: str):
    paths = (*PAGES, *DEEDS)
    assert statuses(enter(getattr(cast, who)), paths, stage.ids) == dict.fromkeys(paths, 404)


def test_another_buyer_finds_nothing(stage: Stage, enter: Enter, cast: Cast):
    paths = [p for p in (*PAGES, *DEEDS) if any(name in p for name in OF_ONE_BUYER)]
    assert statuses(enter(cast.other_buyer), paths, stage.ids) == dict.fromkeys(paths, 404)


def test_what_does_not_exist_looks_the_same(buyer: FlaskClient):
    paths = [p for p in (*PAGES, *DEEDS) if "{" in p]
    unknown = {name: encode(prefix, uuid7()) for name, prefix in PREFIXES.items()}
    for ids in (unknown, dict.fromkeys(PREFIXES, "no-id-at-all")):
        assert statuses(buyer, paths, ids) == dict.fromkeys(paths, 404)


def test_htmx_gets_the_part_that_the_page_has(stage: Stage):
    for path in PARTS:
        address = stage.at(path)
        whole = text_of(stage.browser.get(address))
        answer = stage.browser.get(address, headers={"HX-Request": "true"})
        part = text_of(answer)
        assert "<html" not in part, path
        assert part.strip().splitlines()[0].strip() in whole, path
        assert "HX-Request" in answer.headers["Vary"]
        restored = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
        assert "<html" in text_of(stage.browser.get(address, headers=restored)), path


class TestRoles:
    """What a role may not do is not offered to it either."""

    @pytest.fixture
    def hire(self, cast: Cast) -> Callable[[Role], Player]:
        def hired(role: Role) -> Player:
            email = f"{role}@buyer.example"
            services.add_member(
                email=email, name="Colleague", password=PASSWORD,
                organization_id=cast.buyer.organization.id, role=role,
            )  # fmt: skip
            return _player(cast.buyer.organization, email, role)

        return hired

    def test_finance_reads_orders_and_neither_buys_nor_opens(
        self, stage: Stage, hire: Callable[[Role], Player], enter: Enter
    ):
        browser = enter(hire(Role.FINANCE))
        for path in LISTS:
            assert browser.get(path).status_code == (404 if path == "/buyers/market" else 200)
        for path, (form, _status) in DEEDS.items():
            assert send(browser, stage.at(path), form).status_code == 404
        for path in ("/buyers/", "/buyers/orders/{order}", "/buyers/leads/{line}"):
            page = text_of(browser.get(stage.at(path)))
            assert "/contact" not in page
            assert "/export" not in page
            assert "/buyers/listings/" not in page

    def test_a_member_buys_and_opens_and_does_not_export(
        self,
        stage: Stage,
        listing: Listing,
        hire: Callable[[Role], Player],
        enter: Enter,
    ):
        browser = enter(hire(Role.MEMBER))
        page = text_of(browser.get(stage.at("/buyers/orders/{order}")))
        assert "/contacts" in page
        assert "/export" not in page
        answer = send(browser, stage.at("/buyers/orders/{order}/export"), {"separator": "comma"})
        assert answer.status_code == 404
        bought(browser, listing, 1)
