"""A seller at the import, in a real browser: from Upload to Result, with and without scripts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from random import Random

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from exchange.catalog import queries as catalog
from exchange.core import clock
from exchange.core.invariants import violations
from exchange.leads import samples
from exchange.leads.models import Batch
from tests.conftest import worker_number
from tests.factories.catalog import VERTICAL
from tests.journeys.stage import Stage, open_stage

MINUTE = 60_000  # milliseconds that the workers of a busy machine may take

pytestmark = [pytest.mark.browser, pytest.mark.commits]


@pytest.fixture(scope="module")
def stage(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One house for all browser tests of this module."""
    folder = tmp_path_factory.mktemp("house")
    with open_stage(worker_number(worker_id), folder) as stage:
        yield stage
        with stage.tables():
            assert violations() == []


def people(stage: Stage, count: int, *, seed: int) -> list[dict[str, str]]:
    with stage.tables():
        definition = catalog.get_definition(catalog.get_vertical(VERTICAL))
        return samples.invented_rows(definition, random=Random(seed), count=count, now=clock.now())


def table(rows: list[dict[str, str]], *, delimiter: str) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def choose(page: Page, name: str, content: bytes) -> None:
    page.goto("/sellers/imports/new")
    page.get_by_label("Source").fill("Search ads")
    page.get_by_label("Files").set_input_files(
        [{"name": name, "mimeType": "text/csv", "buffer": content}]
    )
    page.get_by_role("button", name="Upload").click()


def heading(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def tile(page: Page, label: str) -> Locator:
    tiles = page.locator(".tile").filter(has=page.get_by_text(label, exact=True))
    return tiles.locator(".tile-value")


def test_from_upload_to_result(stage: Stage) -> None:
    rows = people(stage, 40, seed=41)
    rows[0]["name"] = "Иван Ковалёв"
    rows[4]["phone"] = "12345"
    rows[7]["region"] = "Buckeye State"
    with stage.visit(stage.cast.seller) as page:
        choose(page, "cyrillic.csv", table(rows, delimiter=";").encode("cp1251"))
        recognise(page)
        heading(page, "Map the columns")
        expect(page.get_by_label("Field for phone")).to_have_value("phone")
        page.get_by_role("button", name="Check the rows").click()
        heading(page, "Check and fix")
        expect(page.get_by_text("Every row was checked.")).to_be_visible(timeout=MINUTE)
        expect(tile(page, "Ready")).to_have_text("38")
        correct_in_place(page)
        map_a_word(page)
        confirm(page)
    with stage.tables() as session:
        batch = session.scalars(select(Batch).where(Batch.name == "cyrillic.csv")).one()
        assert (batch.rows_done, batch.valid) == (40, 40)


def recognise(page: Page) -> None:
    """The guess shows Cyrillic at once; another choice changes the preview and nothing else."""
    heading(page, "Recognise the file")
    preview = page.locator("#preview")
    expect(preview.get_by_text("Иван Ковалёв")).to_be_visible()
    page.get_by_label("Letters (encoding)").select_option("cp866")
    expect(preview.get_by_text("Иван Ковалёв")).to_have_count(0)
    page.get_by_label("Letters (encoding)").select_option("cp1251")
    expect(preview.get_by_text("Иван Ковалёв")).to_be_visible()
    page.get_by_role("button", name="This is right").click()


def correct_in_place(page: Page) -> None:
    """Enter saves the row; nothing else is wrong by this rule then."""
    rule = page.get_by_role("row").filter(has_text="short_code")
    rule.get_by_role("link", name="Mend").click()
    cell = page.get_by_role("textbox", name="phone")
    expect(cell).to_have_value("12345")
    cell.fill("+1 614 234 5678")
    cell.press("Enter")
    expect(page.get_by_text("Row 5 is right now.")).to_be_visible()
    page.get_by_role("link", name="Back to the check").click()
    expect(tile(page, "Ready")).to_have_text("39")


def map_a_word(page: Page) -> None:
    rule = page.get_by_role("row").filter(has_text="value_not_allowed")
    rule.get_by_role("link", name="Mend").click()
    page.get_by_label("What buckeye state means").select_option(label="Ohio")
    page.get_by_role("button", name="Map the words").click()
    expect(page.get_by_text("The words are mapped")).to_be_visible()
    expect(page.get_by_text("Nothing: every row that was looked at is right.")).to_be_visible(
        timeout=MINUTE
    )


def confirm(page: Page) -> None:
    page.get_by_role("link", name="Continue").click()
    heading(page, "Confirm")
    page.get_by_label("Price per lead").fill("45")
    page.get_by_label("Only if all rows are right").check()
    page.get_by_label("These leads have not been sold").check()
    page.get_by_role("button", name="Send 40 leads to checking").dblclick()
    result = page.get_by_role("link", name="See the result")
    expect(result.or_(page.get_by_role("heading", level=1, name="Result"))).to_be_visible(
        timeout=MINUTE
    )
    if result.is_visible():
        result.click()
    heading(page, "Result")
    expect(page.get_by_role("row").filter(has_text="Became leads")).to_contain_text("40")


def test_import_works_without_scripts(stage: Stage) -> None:
    rows = people(stage, 12, seed=42)
    rows[2]["phone"] = "12345"
    with stage.visit(stage.cast.seller, scripts=False) as page:
        page.goto("/sellers/imports/new")
        page.get_by_label("Source").fill("Search ads")
        page.get_by_label("Or paste rows").fill(table(rows, delimiter="\t"))
        page.get_by_role("button", name="Upload").click()
        heading(page, "Map the columns")
        page.get_by_role("link", name=re.compile("^Recognise")).click()
        page.get_by_label("The header is row").select_option("0")
        page.get_by_role("button", name="Show what this gives").click()
        expect(page.locator("#preview").get_by_text("column 1", exact=True)).to_be_visible()
        page.get_by_label("The header is row").select_option("1")
        page.get_by_role("button", name="Show what this gives").click()
        page.get_by_role("button", name="This is right").click()
        page.get_by_role("button", name="Check the rows").click()
        look_until(page, lambda: page.get_by_text("Every row was checked.").is_visible())
        page.get_by_role("link", name="Mend").click()
        page.get_by_role("textbox", name="phone").fill("+1 614 234 9876")
        page.get_by_role("button", name="Save row 3").click()
        expect(page.get_by_text("Row 3 is right now.")).to_be_visible()
        page.get_by_role("link", name="Back to the check").click()
        page.get_by_role("link", name="Continue").click()
        page.get_by_label("Price per lead").fill("45")
        page.get_by_label("These leads have not been sold").check()
        page.get_by_role("button", name="Send 12 leads to checking").click()
        title = page.get_by_role("heading", level=1)
        look_until(page, lambda: title.inner_text() == "Result")
        expect(page.get_by_role("row").filter(has_text="Became leads")).to_contain_text("12")


def look_until(page: Page, holds: Callable[[], bool]) -> None:
    """Without scripts the page does not look again by itself; somebody clicks."""
    for _ in range(600):
        if holds():
            return
        page.get_by_role("link", name="Look again").click()
        page.wait_for_timeout(100)
    raise AssertionError(f"{page.url} never came to its end")
