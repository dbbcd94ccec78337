"""A market with one lot, and people who come to it, each in a browser of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from exchange.market.models import Listing
from tests.buyers.support import PEOPLE, keep
from tests.cast import Cast, Player
from tests.factories.billing import fund_wallet
from tests.factories.leads import make_batch
from tests.factories.market import make_listing

Enter = Callable[[Player], FlaskClient]


@pytest.fixture
def enter(app: Flask) -> Enter:
    """A new browser in which the player is signed in."""
    return lambda player: player.sign_in(app.test_client())


@pytest.fixture
def listing(cast: Cast) -> Listing:
    """Twelve people on sale at 45 dollars each, and a buyer with 1,000 dollars."""
    fund_wallet(cast.buyer, 1_000_00)
    made = make_listing(cast.seller, make_batch(cast.seller, people=PEOPLE))
    keep()
    return made


@pytest.fixture
def buyer(enter: Enter, cast: Cast) -> FlaskClient:
    """The buyer's browser."""
    return enter(cast.buyer)
