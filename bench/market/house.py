"""A vertical full of contracts and listings, written straight into the tables.

The verbs that make contracts and lots are not what is measured here, and would take the morning.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

import psycopg

from bench.harness import servers, settings
from bench.market import crowd
from exchange.app import create_app
from exchange.billing import accounts
from exchange.catalog.queries import get_schema
from exchange.catalog.schemas import load_preset
from exchange.catalog.services import publish_vertical
from exchange.core import clock, schema
from exchange.core.actors import SYSTEM
from exchange.core.db import db, save, unit_of_work
from exchange.core.ids import uuid7
from exchange.core.money import Money
from exchange.identity.models import Organization, OrganizationStatus
from exchange.identity.permissions import OrganizationKind
from exchange.leads.models import Batch, BatchStatus, LeadKind, Source
from exchange.market.contract_index import Entry
from exchange.market.models import Listing, ListingStatus, ListingTerms

FUNDS: Final = 10**9  # minor units in each wallet
Rows = Iterable[Sequence[Any]]  # Any: values of many columns


@dataclass(frozen=True, slots=True)
class House:
    """An instance with a vertical and a seller."""

    owner: psycopg.Connection
    url: str
    vertical_id: UUID
    schema_id: UUID
    currency: str
    seller_id: UUID
    source_id: UUID

    def copy(self, table: str, names: str, rows: Rows) -> None:
        """Write rows of these columns."""
        with self.owner.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as to:
            for row in rows:
                to.write_row(row)

    def add_contracts(self, entries: Sequence[Entry], *, now: datetime) -> None:
        """Active contracts with their buyers, whose wallets are full."""
        known = {row[0] for row in self.owner.execute("SELECT id FROM organization")}
        buyers = sorted({entry.buyer_id for entry in entries} - known)
        self.copy(
            "organization",
            "id, kind, status, name, trade_name, country, register_number, licence,"
            " status_reason, is_demo",
            (
                (key, "buyer", "approved", f"B {key}", f"B {key}", "US", "", "", "", False)
                for key in buyers
            ),
        )
        self.copy(
            "account", "id, organization_id, kind, currency, balance, floor", self._wallets(buyers)
        )
        self.copy(
            "contract",
            "id, organization_id, vertical_id, schema_id, name, status, pause_reason,"
            " pricing_model, price_amount, price_currency, terms_version, ranked_at, changed_at",
            (
                (
                    one.id, one.buyer_id, self.vertical_id, self.schema_id, "Bench", "active", "",
                    "cpl", one.price, self.currency, 1, one.ranked_at, now,
                )
                for one in entries
            ),
        )  # fmt: skip
        self.copy(
            "contract_terms",
            "id, contract_id, version, price_amount, price_currency, content",
            (
                (uuid7(), one.id, 1, one.price, self.currency, json.dumps(one.terms.to_json()))
                for one in entries
            ),
        )
        self.owner.execute("ANALYZE contract, contract_terms, organization, account")

    def _wallets(self, buyers: Iterable[UUID]) -> Iterator[Sequence[Any]]:  # Any: see Rows
        for key in buyers:
            for account, amount in (
                (accounts.wallet(key, self.currency), FUNDS),
                (accounts.held(key, self.currency), 0),
            ):
                yield (account.id, key, str(account.kind), self.currency, amount, 0)

    def add_listing(self, leads: int, *, random: Random, now: datetime) -> UUID:
        """A published listing of so many leads of different people."""
        listing_id = self._listing(leads)
        found = [(uuid7(), crowd.lead_facts(random, now=now)) for _ in range(leads)]
        batch_id = db.session.get_one(Listing, listing_id).batch_id
        self.copy(
            "lead",
            "id, organization_id, vertical_id, batch_id, source_id, sub_source, row_number, status,"
            " kind, sales_max, sold, attributes, preview, region, postal_code, requested_at,"
            " landing_url, leaf, in_frame",
            (
                (
                    key, self.seller_id, self.vertical_id, batch_id, self.source_id, "", number,
                    "valid", "exclusive", 1, 0, json.dumps(facts.attributes), "{}", facts.region,
                    facts.postal_code, facts.requested_at, "", bytes(32), True,
                )
                for number, (key, facts) in enumerate(found, start=1)
            ),
        )  # fmt: skip
        self.copy(
            "contact",
            "lead_id, key_version, wrapped_key, locked, salt, phone_index, email_index",
            (
                (key, 1, b"k", b"l", b"s", random.randbytes(16), random.randbytes(16))
                for key, _ in found
            ),
        )
        self.owner.execute("ANALYZE lead, contact")
        return listing_id

    def _listing(self, leads: int) -> UUID:
        price = Money(crowd.lead_facts(Random(0), now=clock.now()).price_min, self.currency)
        with unit_of_work():
            batch = save(
                Batch(
                    organization_id=self.seller_id, vertical_id=self.vertical_id,
                    schema_id=self.schema_id, source_id=self.source_id, name="Bench",
                    status=BatchStatus.ACCEPTED, quality_class="standard",
                    kind=LeadKind.EXCLUSIVE, price=price, rows_done=leads, valid=leads,
                )
            )  # fmt: skip
            listing = save(
                Listing(
                    organization_id=self.seller_id, batch_id=batch.id,
                    vertical_id=self.vertical_id, quality_class="standard", bad_upper=0.12,
                    price=price, status=ListingStatus.PUBLISHED, published_at=clock.now(),
                )
            )  # fmt: skip
            save(
                ListingTerms(
                    listing_id=listing.id, version=1, price=price, sales_max=1,
                    return_window_hours=72, vertical_terms_version=1,
                )
            )  # fmt: skip
        return listing.id


@contextmanager
def house() -> Iterator[House]:
    """An instance of the bench's own, with its application at hand."""
    with servers() as running, tempfile.TemporaryDirectory() as folder:
        schema.migrate(running.database_url, instance="sandbox")
        app = create_app(settings(running.database_url, running.redis_url, Path(folder)))
        with app.app_context(), psycopg.connect(running.database_url, autocommit=True) as owner:
            yield _house(owner, running.database_url)
            db.session.remove()
            db.engine.dispose()
            app.extensions["redis"].close()


def _house(owner: psycopg.Connection, url: str) -> House:
    with unit_of_work():
        vertical = publish_vertical(definition=load_preset(crowd.VERTICAL), actor=SYSTEM)
        seller = save(
            Organization(
                kind=OrganizationKind.SELLER, status=OrganizationStatus.APPROVED,
                name="Bench Leads", trade_name="Bench Leads", country="US",
            )
        )  # fmt: skip
        source = save(Source(organization_id=seller.id, name="bench"))
        return House(
            owner, url, vertical.id, get_schema(vertical).id, str(vertical.currency), seller.id,
            source.id,
        )  # fmt: skip
