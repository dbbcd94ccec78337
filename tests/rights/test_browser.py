"""Somebody withdraws consent and a seller lists people, at the pages, with and without scripts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from exchange.core.invariants import violations
from exchange.leads.rights import PersonList, Revocation
from tests.conftest import worker_number
from tests.journeys.stage import NARROW, WIDE, Stage, open_stage

AXE = (Path(__file__).parents[1] / "vendor" / "axe-core-4.10.3" / "axe.min.js").read_text()

pytestmark = [pytest.mark.browser, pytest.mark.commits]


@pytest.fixture(scope="module")
def stage(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One house for these tests."""
    folder = tmp_path_factory.mktemp("house")
    with open_stage(worker_number(worker_id), folder) as stage:
        yield stage
        with stage.tables():
            assert violations() == []


def fits(page: Page, name: str) -> None:
    """Usable by everybody at both widths, and nothing hangs over the edge."""
    page.wait_for_load_state("load")  # a heading is there before its style sheets are
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size["width"], f"{page.url} is {wide} wide"
        if folder := os.environ.get("EXCHANGE_TEST_SHOTS"):
            page.screenshot(path=f"{folder}/{name}-{size['width']}.png", full_page=True)
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [one["id"] for one in found["violations"]] == []


@pytest.mark.parametrize("scripts", [True, False])
def test_somebody_withdraws_with_the_keyboard_alone(stage: Stage, scripts: bool) -> None:
    with stage.visit(scripts=scripts) as page:
        page.goto("/revoke")
        if scripts:
            fits(page, "revoke")
        page.get_by_label("Your phone number or e-mail").focus()
        page.keyboard.type("ann@example.com")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Is this you?")
        if scripts:
            fits(page, "confirm")
        page.get_by_role("button", name="Withdraw my consent").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Your consent is withdrawn")
        assert "ann" not in page.url
        if scripts:
            fits(page, "receipt")
        receipt = page.get_by_text("rvc_").first.inner_text()
    with stage.tables() as session:
        kept = {found.public_id for found in session.scalars(select(Revocation))}
        assert any(one in receipt for one in kept)


def test_a_seller_lists_people_and_sees_the_counts(stage: Stage) -> None:
    with stage.visit(stage.cast.seller) as page:
        page.goto("/suppression")
        fits(page, "lists-empty")
        page.get_by_label("Where the list comes from").fill("National register")
        page.locator("[name=people]").fill("+1 614 234 0001\nann@example.com\nnobody")
        page.get_by_role("button", name="Add to the list").click()
        expect(page.get_by_text("2 lines are taken").first).to_be_visible()
        fits(page, "lists")
    with stage.tables() as session:
        assert session.scalars(select(PersonList.lines_taken)).all() == [2]


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("buyer", "/suppression?purpose=known"),
        ("buyer", "/erasure-notices"),
        ("admin", "/suppression"),
        ("admin", "/erasures"),
    ],
)
def test_everybody_can_use_the_pages(stage: Stage, who: str, path: str) -> None:
    with stage.visit(getattr(stage.cast, who)) as page:
        page.goto(path)
        fits(page, f"{who}{path.replace('/', '-').replace('?', '-')}")
