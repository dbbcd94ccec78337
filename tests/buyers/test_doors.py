"""Every door of the buyer: it works, a stranger finds nothing, nobody sees what is another's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from exchange.core.ids import encode, uuid7
from exchange.identity import services
from exchange.identity.permissions import Role
from exchange.market.models import Listing
from tests.buyers.support import bought, key, lines_on, text_of
from tests.cast import PASSWORD, Cast, Player, _player

LISTS = ("/buyers/", "/buyers/market", "/buyers/orders", "/buyers/leads", "/buyers/returns")
PAGES = (
    *LISTS,
    "/buyers/listings/{listing}",
    "/buyers/listings/{listing}/buy?quantity=2",
    "/buyers/orders/{order}",
    "/buyers/leads/{line}",
    "/buyers/leads/{line}/return",
    "/buyers/returns/{lead_return}",
)
DEEDS: dict[str, tuple[dict[str, str], int]] = {
    "/buyers/listings/{listing}/orders": ({"quantity": "1", "terms_version": "1"}, 303),
    "/buyers/leads/{line}/contact": ({}, 200),
    "/buyers/orders/{order}/contacts": ({}, 200),
    "/buyers/orders/{order}/export": ({"separator": "comma"}, 200),
    "/buyers/leads/{second_line}/return": ({"reason": "fictitious"}, 303),
}
OF_ONE_BUYER = ("{order}", "{line}", "{second_line}", "{lead_return}")


@dataclass
class Stage:
    """The ids that the addresses name, and whoever may use them."""

    browser: FlaskClient
    ids: dict[str, str]

    def at(self, path: str) -> str:
        return path.format(**self.ids)


@pytest.fixture
def stage(buyer: FlaskClient, listing: Listing) -> Stage:
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
    }
    return Stage(buyer, ids)


def send(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    return client.post(path, data={"idempotency_key": key(), **form})


def test_every_door_is_tried_here(app: Flask):
    doors = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("buyers.")
        for method in (rule.methods or set()) & {"GET", "POST"}
    }
    names = {"listing": "listing_id", "order": "order_id", "line": "line_id"}
    names |= {"second_line": "line_id", "lead_return": "return_id"}
    as_rules = {name: f"<{rule}>" for name, rule in names.items()}
    tried = {("GET", path.partition("?")[0].format(**as_rules)) for path in PAGES}
    tried |= {("POST", path.format(**as_rules)) for path in DEEDS}
    assert tried == doors


@pytest.mark.parametrize("path", PAGES)
def test_a_page_works_and_is_kept_by_nobody(stage: Stage, path: str):
    answer = stage.browser.get(stage.at(path))
    assert "<h1" in text_of(answer)
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("path", DEEDS)
def test_a_deed_works(stage: Stage, path: str):
    form, status = DEEDS[path]
    text_of(send(stage.browser, stage.at(path), form), status)


@pytest.mark.parametrize("path", [*PAGES, *DEEDS])
def test_nobody_comes_in_without_signing_in(client: FlaskClient, path: str):
    ids = dict.fromkeys(("listing", "order", "line", "second_line", "lead_return"), "x")
    answer = (
        send(client, path.format(**ids), {}) if path in DEEDS else client.get(path.format(**ids))
    )
    assert answer.status_code == 303
    assert "/sign-in" in answer.headers["Location"]


@pytest.mark.parametrize("path", [*PAGES, *DEEDS])
@pytest.mark.parametrize("who", ["seller", "verifier", "admin"])
def test_a_stranger_finds_nothing(
    stage: Stage, enter: Callable[[Player], FlaskClient], cast: Cast, path: str, who: str
):
    browser = enter(getattr(cast, who))
    tried = (
        send(browser, stage.at(path), DEEDS[path][0])
        if path in DEEDS
        else browser.get(stage.at(path))
    )
    assert tried.status_code == 404


@pytest.mark.parametrize("path", [p for p in (*PAGES, *DEEDS) if any(i in p for i in OF_ONE_BUYER)])
def test_another_buyer_finds_nothing(
    stage: Stage, enter: Callable[[Player], FlaskClient], cast: Cast, path: str
):
    browser = enter(cast.other_buyer)
    tried = (
        send(browser, stage.at(path), DEEDS[path][0])
        if path in DEEDS
        else browser.get(stage.at(path))
    )
    assert tried.status_code == 404


@pytest.mark.parametrize("path", [p for p in (*PAGES, *DEEDS) if "{" in p])
def test_what_does_not_exist_looks_the_same(buyer: FlaskClient, path: str):
    prefixes = {
        "listing": "lst",
        "order": "ord",
        "line": "line",
        "second_line": "line",
        "lead_return": "ret",
    }
    for ids in (
        {name: encode(prefix, uuid7()) for name, prefix in prefixes.items()},
        dict.fromkeys(prefixes, "no-id-at-all"),
    ):
        form: dict[str, Any] = DEEDS[path][0] if path in DEEDS else {}
        tried = (
            send(buyer, path.format(**ids), form)
            if path in DEEDS
            else buyer.get(path.format(**ids))
        )
        assert tried.status_code == 404


@pytest.mark.parametrize("path", [p for p in PAGES if p not in ("/buyers/",)])
def test_htmx_gets_the_part_that_the_page_has(stage: Stage, path: str):
    whole = text_of(stage.browser.get(stage.at(path)))
    part = text_of(stage.browser.get(stage.at(path), headers={"HX-Request": "true"}))
    if part.lstrip().startswith("<!doctype"):
        assert "results" not in path  # a page without a list has no part
        return
    assert "<html" not in part
    assert part.strip().splitlines()[0].strip() in whole


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
        self, stage: Stage, hire: Callable[[Role], Player], enter: Callable[[Player], FlaskClient]
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
        enter: Callable[[Player], FlaskClient],
    ):
        browser = enter(hire(Role.MEMBER))
        page = text_of(browser.get(stage.at("/buyers/orders/{order}")))
        assert "/contacts" in page
        assert "/export" not in page
        answer = send(browser, stage.at("/buyers/orders/{order}/export"), {"separator": "comma"})
        assert answer.status_code == 404
        bought(browser, listing, 1)
