"""The pages of contracts: made from a form or from the market, switched, explained, told of."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from exchange.buyers import refusing
from exchange.core import clock
from exchange.core.db import db, get, save
from exchange.fulfillment.services import conversions
from exchange.leads.services.sources import ensure_source
from exchange.market import queries, refusal_words
from exchange.market.allocation import Refusal
from exchange.market.contract_models import (
    Contract,
    ContractSource,
    ContractSourceStatus,
    ContractStatus,
)
from exchange.market.contract_terms import Caps, Period
from exchange.market.match_models import ContractRefusal
from exchange.market.models import Order
from exchange.market.services import contracts
from exchange.notifications.models import Notice
from tests.buyers.support import keep, key, place, text_of, words_of
from tests.doorbell import run_jobs
from tests.factories.actions import make_action_lines, report
from tests.factories.billing import fund_wallet
from tests.factories.catalog import VERTICAL, make_vertical
from tests.factories.contracts import make_contract
from tests.factories.leads import make_batch
from tests.factories.market import make_listing
from tests.market.test_contracts import buy
from tests.market.test_forecasts import aged

HOME = "/buyers/contracts"
FORM = {
    "vertical": VERTICAL,
    "name": "Roofs in Ohio",
    "price": "50",
    "pricing_model": "cpl",
    "kinds": ["exclusive", "shared"],
    "time_zone": "America/New_York",
}


@pytest.fixture
def page(enter, cast):
    make_vertical()
    keep()
    return enter(cast.buyer)


def only():
    return db.session.scalars(select(Contract)).one()


def send(client, path=HOME, **form):
    return client.post(path, data={**FORM, "idempotency_key": key(), **form})


class TestEditor:
    def test_it_begins_with_the_kind_of_lead(self, page):
        body = text_of(page.get(f"{HOME}/new"))
        assert f"vertical={VERTICAL}" in body
        form = words_of(page.get(f"{HOME}/new?vertical={VERTICAL}"))
        for words in ("Never spends more than you set", "Forecast", "Further conditions", "CPA"):
            assert words in form

    def test_everything_that_is_filled_in_is_asked_and_shown_again(self, page):
        sent = {
            "regions": ["OH", "PA"],
            "postal_codes": "43215, 43085\n44101",
            "a.is_homeowner": "yes",
            "criteria": '{"not": {"field": "budget", "to": 5}}',
            "quality_classes": ["prime"],
            "age_hours_max": "48",
            "bad_upper_max": "7.5",
            "checked_only": "1",
            "approves_sources": "1",
            "cap_leads_day": "5",
            "cap_amount_week": "1 000,50",
            "trial_leads": "10",
            "s0.days": ["0", "4"],
            "s0.from": "09:00",
            "s0.to": "18:00",
            "s0.price": "55",
            "starts_at": "2030-01-01T08:00",
        }
        answer = send(page, **sent)
        assert answer.status_code == 303, words_of(answer, answer.status_code)
        made = only()
        terms = queries.terms_of(made)
        assert made.status is ContractStatus.DRAFT
        assert terms.to_json() == {
            "time_zone": "America/New_York",
            "regions": ["OH", "PA"],
            "postal_codes": ["43215", "43085", "44101"],
            "criteria": {
                "all": [
                    {"field": "is_homeowner", "is": True},
                    {"not": {"field": "budget", "to": 5}},
                ]
            },
            "kinds": ["exclusive", "shared"],
            "quality_classes": ["prime"],
            "age_hours_max": 48,
            "bad_upper_max_bps": 750,
            "checked_only": True,
            "approves_sources": True,
            "caps": {"leads": {"day": 5}, "amount": {"week": 1_000_50}},
            "trial_leads": 10,
            "schedule": [{"days": [0, 4], "from": "09:00", "to": "18:00", "price": 55_00}],
            "starts_at": "2030-01-01T08:00:00-05:00",
        }
        shown = text_of(page.get(f"{HOME}/{made.public_id}/edit"))
        for value in ("43215", "7.5", "1000.50", "2030-01-01T08:00", "55.00", "&#34;not&#34;"):
            assert value in shown
        said = words_of(page.get(f"{HOME}/{made.public_id}"))
        assert "Owns the home: yes" in said
        assert "not: Budget: up to 0.05 USD" in said
        # What the form shows again is what was asked: saving it changes nothing.
        sent["cap_amount_week"] = "1000.50"
        assert send(page, f"{HOME}/{made.public_id}", **sent).status_code == 303
        assert only().terms_version == 1

    def test_every_mistake_is_shown_and_nothing_is_made(self, page):
        answer = send(
            page,
            name="",
            price="abc",
            kinds=[],
            cap_leads_day="0",
            trial_leads="many",
            radius_code="10001",
            criteria="{",
            **{"s0.days": ["0"], "s0.from": "18:00", "s0.to": "09:00"},
        )
        body = words_of(answer, 422)
        for words in (
            "A name has 1 to 100 characters.",
            "Type an amount such as 45 or 45.50.",
            "Choose at least one kind of sale.",
            "A cap is more than nothing.",
            "Type a whole number.",
            "Give the postal code and the kilometers around it.",
            "Criteria are a JSON object.",
            "A row ends after it begins.",
        ):
            assert words in body, words
        assert db.session.scalar(select(Contract)) is None

    def test_a_radius_without_places_is_refused_in_words(self, page):
        answer = send(page, radius_code="10001", radius_km="20")
        assert "The exchange has no list of places of this country" in words_of(answer, 422)

    def test_it_takes_what_was_looked_for_in_the_market(self, page, cast):
        make_listing(cast.seller, leads=1)
        keep()
        looked = f"?vertical={VERTICAL}&region=OH&fresh=24&kind=shared&price_max=45&checked=1"
        market = text_of(page.get(f"/buyers/market{looked}"))
        assert "Save as contract" in market
        form = text_of(page.get(f"{HOME}/new{looked}&a.is_homeowner=yes&quality_class=prime"))
        assert 'value="45"' in form
        assert 'value="24"' in form
        for chosen in ('value="OH" checked', 'value="shared" checked', 'value="prime" checked'):
            assert chosen in form
        assert 'value="exclusive" checked' not in form

    def test_what_no_contract_can_have_is_said_and_the_rest_is_asked(self, page):
        looked = f"vertical={VERTICAL}&a.budget.max=900&has=budget&bad_max=8"
        form = page.get(f"{HOME}/new?{looked}")
        (bad,) = re.findall(r'<input[^>]*name="bad_upper_max"[^>]*>', text_of(form))
        assert 'value="8"' in bad
        assert "are not in the contract" not in words_of(form)
        filled = text_of(page.get(f"{HOME}/new?vertical={VERTICAL}&a.is_homeowner=no&has=budget"))
        assert "&#34;budget&#34;,\n  &#34;from&#34;: 0" in filled
        lost = "temperature=hot&grade=A&price_min=10&has=email&aged=false"
        body = words_of(page.get(f"{HOME}/new?vertical={VERTICAL}&{lost}"))
        for words in (
            "Warmth: it changes",
            "Seller grade: it",
            "Price from: a contract",
            "proof of",
            "Sold before: a contract",
        ):
            assert words in body, words

    def test_filters_without_a_kind_of_lead_say_what_is_missing(self, page):
        body = words_of(page.get("/buyers/market?temperature=hot"))
        assert "Choose a kind of lead to save these filters" in body

    def test_once_however_often_it_is_sent(self, page):
        form = {**FORM, "idempotency_key": key()}
        first, second = (page.post(HOME, data=form) for _ in range(2))
        assert first.headers["Location"] == second.headers["Location"]
        assert only().name == "Roofs in Ohio"

    def test_a_newcomer_drafts_and_cannot_activate(self, enter, cast):
        make_vertical()
        keep()
        newcomer = enter(cast.newcomer)
        assert "not approved yet" in words_of(newcomer.get(f"{HOME}/new?vertical={VERTICAL}"))
        assert send(newcomer, activate="1").status_code == 403
        assert send(newcomer).status_code == 303
        step = f"{HOME}/{only().public_id}/steps/activate"
        assert newcomer.post(step).status_code == 403

    def test_actions_are_named(self, page):
        assert "Say which action is paid for." in words_of(send(page, pricing_model="cpa"), 422)
        assert send(page, pricing_model="cpa", action="signed contract").status_code == 303
        assert queries.terms_of(only()).action.action == "signed contract"

    def test_a_copy_begins_like_the_other(self, page, cast):
        contract = make_contract(cast.buyer, price=61_00, regions=("OH",))
        keep()
        body = text_of(page.get(f"{HOME}/new?copy={contract.public_id}"))
        assert "Copy of Standing order" in body
        assert "61.00" in body


class TestForecast:
    def test_the_box_follows_and_the_button_works_without_a_script(self, page):
        asked = page.post(f"{HOME}/forecast", data=FORM, headers={"HX-Request": "true"})
        assert words_of(asked).startswith("No history")
        whole = words_of(page.post(f"{HOME}/forecast", data={**FORM, "name": "Kept as typed"}))
        assert "No history" in whole
        assert "Never spends more than you set" in whole
        wrong = page.post(f"{HOME}/forecast", data={**FORM, "price": "x"})
        assert "needs a form without mistakes" in words_of(wrong)
        assert db.session.scalar(select(Contract)) is None

    def test_it_says_how_long_the_wallet_lasts(self, page, cast):
        aged(make_listing(cast.seller, leads=6, price=40_00), 7.5)
        keep()

        def box(**form):
            headers = {"HX-Request": "true"}
            return words_of(page.post(f"{HOME}/forecast", data={**FORM, **form}, headers=headers))

        assert "$0.00, spent in 0 days" in box()
        assert "Top up" in box()
        fund_wallet(cast.buyer, 1_000_000_00)
        keep()
        assert "$1,000,000.00, lasts 30 days or longer" in box()
        assert "Top up" not in box()
        per_action = box(pricing_model="cpa", action="signed")
        assert "$50.00 for each action that comes" in per_action
        assert "Won are only leads that sellers keep for standing orders" in per_action
        sent = {"vertical": VERTICAL, "price": {"amount": 50_00, "currency": "USD"}}
        headers = cast.buyer.key("contract:read")
        found = page.post("/api/v1/contracts/forecast", json=sent, headers=headers).json
        assert found["wallet"] == {"amount": 1_000_000_00, "currency": "USD"}
        assert found["wallet_days"] == {"low": 30, "high": 30}


class TestPages:
    def test_the_list_says_what_limits(self, page, cast):
        fund_wallet(cast.buyer, 1_000_00)
        capped = make_contract(cast.buyer, caps=Caps(leads={Period.DAY: 3}))
        buy(capped, make_listing(cast.seller, leads=4), 3)
        make_contract(cast.other_buyer).name = "Somebody else's"
        keep()
        body = words_of(page.get(HOME))
        assert "Limited by its cap: 3 of 3 leads today" in body
        assert "$150.00" in body
        assert "Somebody else" not in body
        assert "No contract is in this state" in words_of(page.get(f"{HOME}?status=ended"))

    def test_the_empty_list_says_what_a_contract_is(self, page):
        assert "No contract yet" in words_of(page.get(HOME))

    def test_the_page_says_why_nothing_comes(self, page, cast):
        make_listing(cast.seller, leads=6, values={"region": "TX"}, price=40_00)
        contract = make_contract(cast.buyer, regions=("OH",))
        keep()
        body = words_of(page.get(f"{HOME}/{contract.public_id}"))
        assert "Why am I not receiving leads?" in body
        assert "a lead costs $50.00, the wallet holds $0.00" in body
        assert "one filter removes most, regions: without it 6 more would fit" in body
        assert "version 1" in body.lower()

    def test_the_page_says_what_it_did_not_get_why_and_what_would_mend_it(self, page, cast):
        contract, today = make_contract(cast.buyer), clock.now().date()
        for reason, days_ago, leads in (
            (Refusal.OUTBID, 0, 3), (Refusal.OUTBID, 6, 4), (Refusal.OUTBID, 7, 100),
            (Refusal.FUNDS, 0, 9), (Refusal.DUPLICATE, 0, 1),
        ):  # fmt: skip
            day = today - timedelta(days=days_ago)
            db.session.add(
                ContractRefusal(contract_id=contract.id, day=day, reason=reason, leads=leads)
            )
        keep()
        answer = page.get(f"{HOME}/{contract.public_id}")
        body, html = words_of(answer), text_of(answer)
        assert "17 leads were refused in the last 7 days; most, 9: the wallet did" in body
        table = body[body.index("Asked for and not got") :]
        rows = ("the wallet did not cover a lead funds 9", "another contract pays more outbid 7",
                "you had the person already duplicate 1")  # fmt: skip
        assert [table.index(row) for row in rows] == sorted(table.index(row) for row in rows)
        assert "Top up" in table
        assert f"{contract.public_id}/edit#f-price" in html[html.index('id="refusals"') :]
        headers = cast.buyer.key("contract:read")
        found = page.get(f"/api/v1/contracts/{contract.public_id}/diagnosis", headers=headers)
        outbid = found.json["refusals"][1]
        assert outbid == {
            "reason": "outbid", "detail": "another contract pays more", "leads": 7, "fix": "price",
            "first_day": (today - timedelta(days=6)).isoformat(), "last_day": today.isoformat(),
        }  # fmt: skip

    def test_under_five_people_with_attributes_are_not_counted(self, page, cast):
        contract = make_contract(cast.buyer, postal_codes=("43215",))
        day = clock.now().date()
        for reason, leads in ((Refusal.OUTBID, 5), (Refusal.PER_ACTION, 4)):
            db.session.add(
                ContractRefusal(contract_id=contract.id, day=day, reason=reason, leads=leads)
            )
        keep()
        body = words_of(page.get(f"{HOME}/{contract.public_id}"))
        assert "another contract pays more outbid 5" in body
        assert "paid for leads and not for actions" not in body

    def test_every_reason_has_words_for_both_sides(self):
        assert set(refusing.REFUSALS) == set(refusal_words.REFUSALS) == set(Refusal)

    def test_steps_lead_back_to_where_they_were_pressed(self, page, cast):
        contract = make_contract(cast.buyer)
        keep()
        here = f"{HOME}/{contract.public_id}"
        answer = page.post(f"{here}/steps/pause", data={"back": "list"})
        assert answer.headers["Location"] == HOME
        assert page.post(f"{here}/steps/resume").headers["Location"] == here
        assert page.post(f"{here}/steps/activate").status_code == 409
        assert page.post(f"{here}/steps/fly").status_code == 404
        assert page.post(f"{here}/steps/end").status_code == 303
        assert only().status is ContractStatus.ENDED

    def test_a_change_is_a_version_with_what_it_changed(self, page, cast):
        contract = make_contract(cast.buyer)
        keep()
        here = f"{HOME}/{contract.public_id}"
        assert send(page, here, price="55", age_hours_max="24").status_code == 303
        body = words_of(page.get(here))
        assert "changed: price, age hours max" in body
        assert only().price.amount == 55_00

    def test_a_stale_editor_is_told_of_the_change_and_overwrites_it_knowingly(self, page, cast):
        contract = make_contract(cast.buyer)
        keep()
        here = f"{HOME}/{contract.public_id}"
        assert 'name="terms_version" value="1"' in text_of(page.get(f"{here}/edit"))
        assert send(page, here, price="55", terms_version="1").status_code == 303
        late = send(page, here, price="61", terms_version="1")
        body = words_of(late, 409)
        assert "Somebody changed this contract while you edited it. It pays $55.00 now" in body
        assert only().price.amount == 55_00
        html = text_of(late, 409)
        assert 'value="61"' in html
        assert 'name="terms_version" value="2"' in html
        assert send(page, here, price="61", terms_version="2").status_code == 303
        assert only().price.amount == 61_00

    def test_a_source_waits_for_the_buyer(self, page, cast):
        contract = make_contract(cast.buyer, approves_sources=True)
        source = ensure_source(organization_id=cast.seller.organization.id, name="My secret ads")
        asked = save(
            ContractSource(
                contract_id=contract.id,
                source_id=source.id,
                organization_id=cast.seller.organization.id,
            )
        )
        keep()
        here = f"{HOME}/{contract.public_id}"
        body = words_of(page.get(here))
        assert cast.seller.organization.trade_name in body
        assert "secret" not in body
        path = f"{here}/sources/{asked.public_id}"
        assert page.post(f"{path}/approve").status_code == 303
        assert asked.status is ContractSourceStatus.APPROVED
        assert page.post(f"{path}/love").status_code == 404

    def test_what_came_by_a_contract_says_so(self, page, cast):
        fund_wallet(cast.buyer, 10_000_00)
        listing = make_listing(cast.seller, make_batch(cast.seller, leads=4))
        contract = make_contract(cast.buyer, price=listing.price.amount, trial_leads=2)
        order = buy(contract, listing, 2)
        place(page, listing, quantity=1)
        keep()
        run_jobs()
        for path in ("/buyers/orders", f"/buyers/orders/{order.public_id}", "/buyers/leads"):
            assert f"{HOME}/{contract.public_id}" in text_of(page.get(path)), path
        mine = text_of(page.get(f"/buyers/leads?contract={contract.public_id}"))
        assert mine.count("/buyers/leads/line_") < text_of(page.get("/buyers/leads")).count(
            "/buyers/leads/line_"
        )
        body = words_of(page.get(f"{HOME}/{contract.public_id}"))
        assert "The trial is over" in body
        headers = cast.buyer.key("order:read")
        found = page.get(f"/api/v1/orders?contract_id={contract.public_id}", headers=headers)
        assert {one["contract_id"] for one in found.json["data"]} == {contract.public_id}

    def test_an_order_under_cpa_says_what_is_paid_for(self, page, cast):
        lines = make_action_lines(cast, 2)
        order = get(Order, lines[0].order_id)
        keep()
        run_jobs()
        rows = words_of(page.get("/buyers/orders"))
        assert "$50.00 per action paid per action" in rows
        assert "no return" in rows
        (contract,) = queries.contracts(viewer=cast.buyer.organization.id).items
        listed = words_of(page.get(HOME))
        assert "– per action" in listed
        spent = words_of(page.get(f"{HOME}/{contract.public_id}"))
        assert "Spent $0.00" in spent
        assert "Paid per action – 0 actions paid" in spent
        done = report(cast.buyer, lines[0])
        conversions.approve(conversion_id=done.id, actor=cast.buyer.actor)
        keep()
        assert "$50.00 per action" in words_of(page.get(HOME))
        paid = words_of(page.get(f"{HOME}/{contract.public_id}"))
        assert "Paid per action $50.00 1 action paid" in paid
        body = words_of(page.get(f"/buyers/orders/{order.public_id}"))
        assert "$50.00 per action; the leads themselves cost nothing" in body
        assert "Paid for actions so far $50.00" in body
        assert "Set aside when ordered" not in body
        found = page.get(
            f"/api/v1/orders/{order.public_id}", headers=cast.buyer.key("order:read")
        ).json
        assert (found["pricing_model"], found["total"]["amount"]) == ("cpa", 0)

    @pytest.mark.parametrize("who", ["other_buyer", "seller"])
    def test_a_stranger_finds_nothing(self, enter, cast, who):
        contract = make_contract(cast.buyer)
        keep()
        stranger, here = enter(getattr(cast, who)), f"{HOME}/{contract.public_id}"
        for path in (here, f"{here}/edit", f"{HOME}/new?copy={contract.public_id}",
                     f"/buyers/leads?contract={contract.public_id}"):  # fmt: skip
            assert stranger.get(path).status_code == 404, path
        for path in (here, f"{here}/steps/pause"):
            assert stranger.post(path, data={"idempotency_key": key()}).status_code == 404, path


class TestNotices:
    @pytest.mark.parametrize(
        ("limit", "words"),
        [
            ("cap", "has reached its cap of leads"),
            ("budget", "has reached its budget"),
            ("funds", "the wallet does not cover a lead"),
        ],
    )
    def test_a_limit_is_told_to_the_buyer_once(self, page, cast, limit, words):
        contract = make_contract(cast.buyer)
        for _ in range(2):
            contracts.note_limit(contract_id=contract.id, limit=limit)
        keep()
        told = db.session.scalars(select(Notice).where(Notice.kind == "contract.limited")).all()
        assert [one.organization_id for one in told] == [cast.buyer.organization.id]
        assert words in words_of(page.get("/notices"))

    def test_a_finished_trial_is_told_and_one_paused_by_hand_is_not(self, page, cast):
        contract = make_contract(cast.buyer)
        contracts.pause(contract_id=contract.id, actor=cast.buyer.actor)
        paused = select(Notice).where(Notice.kind == "contract.paused")
        assert db.session.scalar(paused) is None
        contracts.resume(contract_id=contract.id, actor=cast.buyer.actor)
        contracts.pause(contract_id=contract.id, reason="trial", actor=cast.buyer.actor)
        keep()
        assert "has paused itself, with a report" in words_of(page.get("/notices"))
