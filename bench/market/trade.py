"""A vertical at work: sellers in good standing, buyers who can pay, and contracts by the thousand.

What contracts ask is drawn from a seed: regions, and 5 to 15 conditions over the vertical's own
fields. Nothing is copied from other rows: every contract asks something of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from bench.market.load import Request, Stream
from exchange.billing import accounts, ledger
from exchange.billing.models import Reason
from exchange.catalog import queries as catalog
from exchange.catalog.criteria import All, Between, Criteria, In, Is
from exchange.catalog.fields import LeadFields
from exchange.catalog.models import Vertical
from exchange.catalog.policies import QualityClass
from exchange.catalog.values import iso_moment
from exchange.core import clock
from exchange.core.db import db, save
from exchange.core.events import Ref
from exchange.core.ids import uuid7
from exchange.core.money import Money
from exchange.identity.models import Organization, OrganizationStatus
from exchange.identity.permissions import OrganizationKind
from exchange.leads.fingerprints import IdentityKey, digest
from exchange.leads.models import LeadKind
from exchange.leads.services import digests
from exchange.market.contract_models import Contract, ContractStatus, ContractTerms
from exchange.market.contract_terms import Terms
from exchange.market.models import PricingModel
from tests.cast import make_company
from tests.factories.catalog import VERTICAL, make_vertical
from tests.factories.posts import SOURCE, make_body, make_terms

WALLET = 10_000_000_00  # minor units
ASKED = 25_00  # by sellers
RANGES = {"budget": (0, 5_000_000), "year_built": (1_900, 2_020), "living_area": (400, 6_000)}
KNOWN_PEOPLE = 20_000  # in the vertical, by their hashes


@dataclass(frozen=True, slots=True)
class Seller:
    """A seller's program."""

    name: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Trade:
    """Who trades."""

    vertical: Vertical
    sellers: list[Seller]
    buyers: list[UUID]


def make_trade(*, contracts: int, buyers: int, sellers: int, seed: int = 5) -> Trade:
    """Everybody, committed; the contracts are spread evenly over the buyers."""
    vertical, random = make_vertical(), Random(seed)
    owners = [_buyer(number, vertical) for number in range(buyers)]
    for start in range(0, contracts, 1_000):
        count = min(1_000, contracts - start)
        write_contracts(vertical, [owners[(start + n) % buyers] for n in range(count)], random)
    programs = [_seller(number) for number in range(sellers)]
    _know_people()
    db.session.commit()
    return Trade(vertical, programs, owners)


def write_contracts(vertical: Vertical, owners: list[UUID], random: Random) -> list[UUID]:
    """One active contract for each of these owners, each as a verb leaves it; gives their ids."""
    schema, now = catalog.get_schema(vertical).id, clock.now()
    fields = catalog.get_definition(vertical).fields
    rows, terms = [], []
    for owner in owners:
        price = random.randrange(ASKED, 4 * ASKED, 50)
        money = {"price_amount": price, "price_currency": str(vertical.currency)}
        rows.append(
            {
                "id": uuid7(),
                "organization_id": owner,
                "vertical_id": vertical.id,
                "schema_id": schema,
                "name": "Standing order",
                "status": ContractStatus.ACTIVE,
                "pause_reason": "",
                "pricing_model": PricingModel.CPL,
                "terms_version": 1,
                "ranked_at": now,
                "changed_at": now,
                **money,
            }
        )
        content = terms_of(fields, random, time_zone=vertical.time_zone).to_json()
        key = {"id": uuid7(), "contract_id": rows[-1]["id"], "version": 1}
        terms.append({**key, **money, "content": content})
    db.session.execute(insert(Contract.__table__), rows)
    db.session.execute(insert(ContractTerms.__table__), terms)
    return [row["id"] for row in rows]


def terms_of(fields: LeadFields, random: Random, *, time_zone: str) -> Terms:
    """What one contract asks."""
    regions = list(fields.by_name["region"].choice_by_value)
    return Terms(
        time_zone=time_zone,
        regions=tuple(random.sample(regions, random.randint(1, 15))),
        kinds=(LeadKind.EXCLUSIVE, LeadKind.SHARED),
        quality_classes=random.choice(((), (QualityClass.STANDARD, QualityClass.PRIME))),
        age_hours_max=random.choice((None, 24, 72)),
        criteria=All(tuple(_conditions(fields, random))),
    )


def ping_body(fields: LeadFields, random: Random) -> dict[str, Any]:
    """A ping of somebody; one in twenty is known already."""
    said: dict[str, Any] = {
        name: random.choice(list(fields.by_name[name].choice_by_value))
        for name in ("region", "project", "scope", "property_type", "timeframe", "credit_rating")
    }
    said |= {name: random.randrange(*span) for name, span in RANGES.items()}
    said["budget"] //= 100  # people say it in whole units
    said |= {"postal_code": f"{random.randrange(10_000, 99_999)}", "is_homeowner": True}
    number = random.randrange(20 * KNOWN_PEOPLE)
    return {
        "source": SOURCE,
        "vertical": VERTICAL,
        "attributes": {**said, "wants_financing": random.random() < 0.5},
        "channel": "search_ads",
        "requested_at": iso_moment(clock.now()),
        "phone_sha256": digest(_phone(number)),
        "email_sha256": digest(f"person{number}@bench.example"),
    }


def pings(trade: Trade, seller: Seller, *, per_second: float, kinds: int = 500) -> Stream:
    """A seller who pings so often."""
    random, fields = Random(seller.name), catalog.get_definition(trade.vertical).fields
    bodies = [json.dumps(ping_body(fields, random)).encode() for _ in range(kinds)]
    requests = [Request("/api/v1/pings", body) for body in bodies]
    return Stream(seller.name, per_second, requests, _json(seller))


def posts(seller: Seller, *, per_second: float, count: int) -> Stream:
    """A seller who posts leads of new people, at most so many."""
    bodies = [json.dumps(make_body()).encode() for _ in range(count)]
    requests = [Request("/api/v1/leads", body) for body in bodies]
    return Stream(f"{seller.name} posts", per_second, requests, _json(seller))


def _json(seller: Seller) -> dict[str, str]:
    return {**seller.headers, "Content-Type": "application/json"}


def _conditions(fields: LeadFields, random: Random) -> Iterator[Criteria]:
    names = ["project", "scope", "property_type", "timeframe", "credit_rating"]
    for name in random.sample(names, random.randint(2, 5)):
        values = list(fields.by_name[name].choice_by_value)
        yield In(
            name, tuple(random.sample(values, random.randint(1 + len(values) // 2, len(values))))
        )
    for name in random.sample(list(RANGES), random.randint(1, 3)):
        low, high = RANGES[name]
        begins = random.randrange(low, (low + high) // 2)
        yield Between(name, begins, random.choice((None, random.randrange(begins, high))))
    if random.random() < 0.5:
        yield Is("is_homeowner", value=True)


def _buyer(number: int, vertical: Vertical) -> UUID:
    name = f"Buyer {number}"
    made = save(
        Organization(
            kind=OrganizationKind.BUYER,
            status=OrganizationStatus.APPROVED,
            name=name,
            trade_name=name,
            country="US",
        )
    )
    currency = vertical.currency
    move = ledger.Move(
        accounts.cash(currency), accounts.wallet(made.id, currency), Money(WALLET, currency)
    )
    subject = Ref("organization", made.id)
    ledger.post(key=f"bench-{made.id}", reason=Reason.TOPPED_UP, subject=subject, moves=[move])
    return made.id


def _seller(number: int) -> Seller:
    """A seller whose single leads are sold at once."""
    name, email = f"Seller {number}", f"seller{number}@bench.example"
    player = make_company(email, OrganizationKind.SELLER, name)
    make_terms(player, trusted=True, price=Money(ASKED, make_vertical().currency))
    return Seller(name, player.key("lead:post"))


def _know_people() -> None:
    """As many people as a vertical that has been at work for a while knows by their hashes."""
    for start in range(0, KNOWN_PEOPLE, 10_000):
        some = range(start, start + 10_000)
        digests.note_people(IdentityKey("phone", _phone(number)) for number in some)


def _phone(number: int) -> str:
    return f"+1614{number:07}"
