"""A Stripe sandbox for the tests of money: one process, emptied for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from exchange.app import create_app
from exchange.billing import gateway
from exchange.billing.models import PayoutAccount
from exchange.billing.services import payouts, sealing
from exchange.config import Settings
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from tests.billing.books import Deal, commit, eur, fund
from tests.cast import Cast, Player, make_cast
from tests.conftest import fresh_database, make_settings, worker_number
from tests.servers.stripe_sandbox import Parcel, StripeSandbox, stripe_sandbox

IMPATIENCE_SECONDS = 0.5


@pytest.fixture(scope="session")
def stripe_process() -> Iterator[StripeSandbox]:
    with stripe_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def stripe(
    app: Flask, stripe_process: StripeSandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StripeSandbox]:
    """The sandbox, empty, and the application that speaks to it without patience."""
    stripe_process.reset()
    stripe_process.aim(None)
    settings = replace(app.config["SETTINGS"], stripe_api_url=stripe_process.url)
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    monkeypatch.setattr(gateway, "TIMEOUT_SECONDS", IMPATIENCE_SECONDS)
    app.extensions.pop("stripe", None)
    yield stripe_process
    stripe_process.clear_faults()
    app.extensions.pop("stripe", None)


@pytest.fixture
def run_jobs(run_jobs: Callable[[], int]) -> Callable[[], int]:
    """Run what was rung for; the test then sees what the jobs have written in sessions of theirs."""

    def run() -> int:
        ran = run_jobs()
        db.session.expire_all()
        return ran

    return run


@pytest.fixture
def post_events(client: FlaskClient, stripe: StripeSandbox) -> Callable[..., int]:
    """Bring what the sandbox has to say to the real door; returns how many letters there were."""

    def post(parcels: list[Parcel] | None = None) -> int:
        letters = stripe.take() if parcels is None else parcels
        for parcel in letters:
            answer = client.post(
                "/api/v1/webhooks/stripe", data=parcel.body, headers=parcel.headers
            )
            assert answer.status_code == 200, answer.text
        return len(letters)

    return post


@pytest.fixture
def ready_account(
    stripe: StripeSandbox, post_events: Callable[..., int], run_jobs: Callable[[], int]
) -> Callable[[Player], PayoutAccount]:
    """Connect a payout account and let its owner finish the onboarding."""

    def connect(seller: Player) -> PayoutAccount:
        owner = seller.organization.id
        account = payouts.connect_account(organization_id=owner, actor=SYSTEM)
        commit()
        run_jobs()
        db.session.refresh(account)
        assert account.external_id is not None
        stripe.enable(account.external_id)
        post_events()
        run_jobs()
        db.session.refresh(account)
        return account

    return connect


@dataclass(frozen=True)
class Books:
    """A committed database with a settled, a refunded and a held sale, all sealed.

    Made once for all tests that only read it, or undo what they do.
    """

    settings: Settings
    seller_id: UUID
    seller: str
    buyer: str


@pytest.fixture(scope="session")
def books(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    number = worker_number(worker_id)
    with fresh_database(f"books_{number}") as url:
        folder = tmp_path_factory.mktemp("books")
        settings = make_settings(url, redis_database=number, folder=folder)
        with create_app(settings).app_context():
            cast = write_books()
            db.session.remove()
            db.engine.dispose()
        seller, buyer = cast.seller.organization, cast.buyer.organization
        yield Books(settings, seller.id, seller.public_id, buyer.public_id)


def write_books() -> Cast:
    cast = make_cast()
    fund(cast.buyer, 30_000)
    Deal(cast.buyer, cast.seller).deliver().settle()
    Deal(cast.buyer, cast.seller, eur(2_001)).deliver().settle().refund(settled=True)
    Deal(cast.buyer, cast.seller, eur(333)).hold()
    commit()
    sealing.seal_pending()
    commit()
    return cast
