"""A running house with people in it, and browsers to look at it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    expect,
)
from sqlalchemy.orm import Session

from exchange.app import create_app
from exchange.core import jobs
from exchange.core.db import db
from exchange.embedded.address import free_port
from tests.cast import PASSWORD, Cast, Player, make_cast
from tests.conftest import fresh_database, make_settings
from tests.factories.story import Story, open_house, trade
from tests.servers import house
from tests.servers.chromium import chromium
from tests.servers.stripe_sandbox import StripeSandbox, stripe_sandbox

WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}
STEP_MILLISECONDS = 20_000
expect.set_options(timeout=STEP_MILLISECONDS)
DOORBELL = 15  # the highest database of the doorbell: tests count from the lowest


@dataclass
class Stage:
    """The address of the house, its story, and what the browsers complained about."""

    url: str
    app: Flask
    browser: Browser
    stripe: StripeSandbox
    story: Story
    pages: dict[str, str]  # public ids by the name of what they stand for
    complaints: list[str] = field(default_factory=list)
    _states: dict[str, Any] = field(default_factory=dict)  # Any: cookies as Playwright keeps them

    @property
    def cast(self) -> Cast:
        return self.story.cast

    @contextmanager
    def tables(self) -> Iterator[Session]:
        """What is committed by now; nothing is held on to afterwards."""
        try:
            yield db.session()
        finally:
            db.session.rollback()

    @contextmanager
    def visit(self, player: Player | None = None, *, scripts: bool = True) -> Iterator[Page]:
        """A page of a new browser, signed in where a player is named, in which nothing may fail."""
        context = self.browser.new_context(
            base_url=self.url,
            viewport=WIDE,
            java_script_enabled=scripts,
            locale="en-US",
            storage_state=self._state_of(player) if player else None,
        )
        context.set_default_timeout(STEP_MILLISECONDS)
        page = self._open(context)
        try:
            yield page
        finally:
            context.close()
        assert self.complaints == []

    def _state_of(self, player: Player) -> Any:  # Any: see above
        """Cookies of a player, who signs in once: the door counts who knocks too often."""
        email = email_of(player)
        if email not in self._states:
            with self.visit() as page:
                sign_in(page, player)
                self._states[email] = page.context.storage_state()
        return self._states[email]

    def _open(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", self._note)
        page.on("request", self._refuse_strangers)
        return page

    def _note(self, message: ConsoleMessage) -> None:
        # A refused form answers 422, which the browser reports although the page shows why.
        if message.type == "error" and "422" not in message.text:
            self.complaints.append(f"{message.location['url']}: {message.text}")

    def _refuse_strangers(self, request: Request) -> None:
        """No page asks another host for anything; only the payer's page stands elsewhere."""
        own = {urlsplit(self.url).netloc, urlsplit(self.stripe.url).netloc}
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https"} and parts.netloc not in own:
            self.complaints.append(f"asked a stranger: {request.url}")


def email_of(player: Player) -> str:
    """The player's address, read without staying in a transaction."""
    try:
        return player.user.email
    finally:
        db.session.rollback()


def sign_in(page: Page, player: Player) -> None:
    """Through the door, as people do."""
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(email_of(player))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


@contextmanager
def open_stage(worker: int, folder: Path) -> Iterator[Stage]:
    """Everything a house runs, on a database of its own, with its story told."""
    with ExitStack() as stack:
        browser = stack.enter_context(chromium())
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        stripe = stack.enter_context(stripe_sandbox(webhook_url=f"{url}/api/v1/webhooks/stripe"))
        database = stack.enter_context(fresh_database(f"browser_{worker}"))
        settings = replace(
            make_settings(database, redis_database=DOORBELL - worker, folder=folder),
            stripe_api_url=stripe.url,
            base_url=url,
        )
        app = create_app(settings)
        stack.enter_context(app.app_context())
        stack.callback(db.engine.dispose)
        stack.callback(db.session.remove)
        jobs.redis_connection().flushdb()
        story = open_house(make_cast())
        trade(story)
        pages = _public_ids(story)
        db.session.commit()
        stack.enter_context(house.web(settings, port=port, log=_log(folder, "web")))
        stack.enter_context(house.worker(settings, log=_log(folder, "worker")))
        stack.enter_context(house.scheduler(settings, log=_log(folder, "scheduler")))
        yield Stage(url, app, browser, stripe, story, pages)


def _public_ids(story: Story) -> dict[str, str]:
    return {
        "listing": story.listing.public_id,
        "checked": story.batches[0].public_id,
        "called": story.batches[1].public_id,
        "sealed": story.batches[2].public_id,
        "draft": story.drafts[0].public_id,
        "mapped": story.drafts[1].public_id,
        "order": story.orders[-1].public_id,
        "line": story.lines[-1].public_id,
        "refunded": story.returns[0].public_id,
        "undecided": story.returns[1].public_id,
        "seller": story.cast.seller.organization.public_id,
        "terms": story.terms[0],
        "spec": story.shared[0],
        "form": story.shared[1],
    }


def _log(folder: Path, name: str) -> Path | None:
    """Logs beside the data, for whoever looks for the reason of a failure."""
    return folder / f"{name}.log" if os.environ.get("EXCHANGE_TEST_LOGS") else None
