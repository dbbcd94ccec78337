"""A market of a million leads: lots copied by the database from one that the verbs wrote."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import select

from bench.sampling.stage import Stage, copy, numbered, owned
from exchange.catalog.scripts import Outcome
from exchange.core.db import db
from exchange.leads.models import Lead
from exchange.market.models import Listing, ListingTerms
from exchange.market.queries import find_listing_of_batch
from tests.verification.support import make_sample, these, work

LOTS, LEADS = 1_000, 1_000  # of each lot
LOT, LISTING, TERMS, SAMPLE, LEAD = range(1, 6)  # kinds of numbered ids
REGIONS: Final = (
    *("AK", "AZ", "CA", "CO", "FL", "GA", "IL", "MA", "MI", "NC", "NJ", "NY"),
    *("OH", "PA", "TX", "WA"),
)
PROJECTS: Final = (
    *("roofing", "windows", "siding", "hvac", "solar", "kitchen", "bathroom"),
    "painting",
)
TIMEFRAMES: Final = ("now", "month", "quarter", "later")
CLASSES: Final = ("standard", "select", "prime")
DAYS: Final = 30  # in which people asked


def open_shop(ours: Stage) -> None:
    """One lot through the verbs, checked by phone and on sale, and the rest as its copies."""
    sample = make_sample(ours.cast.seller)
    work(ours.cast.verifier, these({3: Outcome.DENIES}))
    listing = find_listing_of_batch(sample.batch_id)
    assert listing is not None
    terms = select(ListingTerms.id).where(ListingTerms.listing_id == listing.id)
    lead = select(Lead.id).where(Lead.batch_id == sample.batch_id).limit(1)
    originals = {
        "batch": sample.batch_id,
        "sample": sample.id,
        "listing": listing.id,
        "listing_terms": db.session.scalars(terms).one(),
        "lead": db.session.scalars(lead).one(),
    }
    db.session.commit()
    with owned(ours.owner) as connection:
        _copy_lots(connection, originals)
        _copy_leads(connection, originals["lead"])
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")


def listing_ids() -> list[str]:
    """The public ids of all listings."""
    return [one.public_id for one in db.session.scalars(select(Listing).order_by(Listing.id))]


def _copy_lots(connection: psycopg.Connection, originals: dict[str, UUID]) -> None:
    own = "n.n"  # a sample has a column n, too
    lot, listing, grade = numbered(LOT), numbered(LISTING), _one_of(CLASSES, "n", 1)
    changed = {
        "batch": {
            "id": lot,
            "import_id": "NULL",
            "quality_class": grade,
            "rows_done": str(LEADS),
            "valid": str(LEADS),
            "population": str(LEADS),
        },
        "sample": {
            "id": numbered(SAMPLE, own),
            "batch_id": numbered(LOT, own),
            "draw_id": numbered(SAMPLE, own),
        },
        "listing": {
            "id": listing,
            "batch_id": lot,
            "quality_class": grade,
            "price_amount": "3000 + n % 40 * 50",
            "bad_upper": "0.05 + n % 97 / 1000.0",
        },
        "listing_terms": {"id": numbered(TERMS), "listing_id": listing},
    }
    for table, columns in changed.items():
        copy(connection, table, of=originals[table], times=LOTS, changed=columns)


def _copy_leads(connection: psycopg.Connection, original: UUID) -> None:
    """Leads of all lots in one statement, each with attributes of its own."""
    region = _one_of(REGIONS, "n", 2)
    attributes = (
        f"original.attributes || jsonb_build_object('region', {region},"
        f" 'project', {_one_of(PROJECTS, 'n', 3)}, 'timeframe', {_one_of(TIMEFRAMES, 'n', 4)},"
        " 'is_homeowner', n % 5 > 0, 'budget', 50000 + (hashint8(n) & 4194303),"
        " 'postal_code', lpad((n % 90000 + 10000)::text, 5, '0'))"
    )
    changed = {
        "id": numbered(LEAD),
        "batch_id": numbered(LOT, f"(n - 1) / {LEADS} + 1"),
        "row_number": f"(n - 1) % {LEADS} + 1",
        "region": region,
        "attributes": attributes,
        "requested_at": f"now() - (hashint8(n + 7) & 1048575) * interval '{DAYS} days' / 1048576",
        "checked_at": "CASE WHEN n % 50 = 0 THEN now() - n % 40 * interval '1 day' END",
        "status": "'valid'",
        "in_frame": "true",
        "sold": "(n % 20 = 0)::int",
    }
    copy(connection, "lead", of=original, times=LOTS * LEADS, changed=changed)
    connection.execute(
        sql.SQL(
            "INSERT INTO consent SELECT made.* FROM consent AS original,"
            " generate_series(1, {times}) AS n, LATERAL jsonb_populate_record(original,"
            " jsonb_build_object('lead_id', {lead})) AS made WHERE original.lead_id = {of}"
        ).format(
            times=sql.Literal(LOTS * LEADS), lead=sql.SQL(numbered(LEAD)), of=sql.Literal(original)
        )
    )


def _one_of(values: tuple[str, ...], number: str, salt: int) -> str:
    """SQL of a value that a hash of the number picks."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"(ARRAY[{listed}])[(hashint8({number} + {salt} * 7919) & 65535) % {len(values)} + 1]"
