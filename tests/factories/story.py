"""A house in the middle of its day: every page of every role has something to show.

Everybody in it is of one family, so that a name, a number or an address on a page that must not
show it is found by looking for the family's.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from random import Random

from exchange.billing.models import PayoutAccount, TopUp
from exchange.billing.services import payouts, top_ups
from exchange.catalog import queries as catalog
from exchange.catalog.policies import QualityClass
from exchange.catalog.scripts import Outcome
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, save
from exchange.core.money import Currency, Money
from exchange.fulfillment.conversion_models import Conversion
from exchange.fulfillment.models import LeadReturn, ReturnOutcome
from exchange.fulfillment.services import returns, settlements
from exchange.identity import services as identity
from exchange.identity.permissions import Role
from exchange.leads import samples
from exchange.leads.models import Batch, BatchStatus, Import, LeadKind
from exchange.leads.services import capture, imports, posting
from exchange.leads.services.intake import take_in
from exchange.market import queries as market
from exchange.market.models import Listing, Order, OrderLine
from tests.cast import Cast
from tests.factories.actions import deliver, make_action_contract, report
from tests.factories.billing import fund_wallet
from tests.factories.catalog import VERTICAL, make_vertical
from tests.factories.fulfillment import WINDOW
from tests.factories.leads import make_person
from tests.factories.market import make_listing, place
from tests.factories.posts import CONSENT, make_body, make_terms, post
from tests.verification.support import everybody, make_sample, work

FAMILY = "Zarvik"
DEFECTS = {"short_code": 3, "consent_missing": 2, "email_invalid": 2}
Values = dict[str, str]


@dataclass
class Story:
    """What was made, by the names that tests need."""

    cast: Cast
    people: list[Values] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    drafts: list[Import] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    lines: list[OrderLine] = field(default_factory=list)
    returns: list[LeadReturn] = field(default_factory=list)
    per_action: list[OrderLine] = field(default_factory=list)
    actions: list[Conversion] = field(default_factory=list)
    top_ups: list[TopUp] = field(default_factory=list)
    payouts: list[str] = field(default_factory=list)  # public ids
    invitations: list[str] = field(default_factory=list)  # tokens
    terms: list[str] = field(default_factory=list)  # public ids of standing terms
    shared: list[str] = field(default_factory=list)  # tokens of a posting spec and a hosted form

    @property
    def listing(self) -> Listing:
        """The one that can be bought from, of the lot that was checked by phone."""
        found = market.find_listing_of_batch(self.batches[0].id)
        assert found is not None
        return found

    def family(self, count: int) -> list[Values]:
        """New people of the family; the street counts as a contact, too."""
        made = []
        for _ in range(count):
            person = make_person()
            number = person["phone"][-4:]
            made.append(
                {
                    **person,
                    "name": f"Quillon {FAMILY}",
                    "email": f"{FAMILY.lower()}.{number}@example.com",
                    "street": f"{number} {FAMILY} Lane",
                }
            )
        self.people += made
        return made


def open_house(cast: Cast, *, leads: int = 60, waiting: int = 40) -> Story:
    """A checked lot on sale, one that is being called, a file that was taken in, two drafts.

    Everything is flushed, nothing is committed.
    """
    make_vertical()
    story = Story(cast)
    _past_sale(story)
    checked = make_sample(cast.seller, people=story.family(leads), source="search ads")
    work(cast.verifier, everybody(Outcome.CONFIRMED))
    called = make_sample(cast.seller, people=story.family(waiting), source="partner site")
    story.batches = [db.session.get_one(Batch, found.batch_id) for found in (checked, called)]
    story.batches.append(_uploaded(story))
    story.drafts.append(_draft(story, "november.csv", rows=20))
    story.drafts.append(_mapped(_draft(story, "december.csv", rows=20), cast))
    fund_wallet(cast.buyer, 500_000_00)
    _staff(story)
    _posted(story)
    return story


def trade(story: Story) -> None:
    """The buyer has bought: some leads lie there, some went back, one return is undecided."""
    cast, order = story.cast, place(story.cast.buyer, story.listing, 6)
    lines = market.lines_of(order.id)
    story.orders.append(order)
    story.lines += lines
    asked = [
        returns.request_return(
            line_id=line.id, reason=reason, note="Said so on the phone.", actor=cast.buyer.actor
        )
        for line, reason in zip(lines, ("never_requested", "outside_criteria"), strict=False)
    ]
    returns.decide(
        return_id=asked[0].id,
        outcome=ReturnOutcome.APPROVED,
        explanation="The person never asked for an offer.",
        actor=cast.admin.actor,
    )
    story.returns += asked
    _act(story)
    started = top_ups.start(
        organization_id=cast.buyer.organization.id,
        amount=Money(250_00, Currency.USD),
        actor=cast.buyer.actor,
    )
    story.top_ups.append(started)


def _act(story: Story) -> None:
    """A contract pays for actions: of its two leads one has an action to decide about."""
    contract = make_action_contract(story.cast.buyer)
    listing = make_listing(story.cast.seller, people=story.family(4), source="comparison")
    lines = deliver(contract, listing, 2)
    story.per_action += lines
    story.actions.append(report(story.cast.buyer, lines[0]))


def _past_sale(story: Story) -> None:
    """An order whose windows have closed: the seller has money, and takes some of it."""
    cast = story.cast
    listing = make_listing(cast.seller, people=story.family(8), source="landing page")
    fund_wallet(cast.buyer, 1_000_00)
    order = place(cast.buyer, listing, 5)
    story.orders.append(order)
    clock.advance(WINDOW * 1.1)
    settlements.settle_order(order_id=order.id, actor=SYSTEM)
    account = PayoutAccount(organization_id=cast.seller.organization.id, external_id="acct_story")
    payouts.make_account_ready(account_id=save(account).id, actor=SYSTEM)
    asked = payouts.request(
        organization_id=cast.seller.organization.id,
        currency=Currency.USD,
        amount=Money(50_00, Currency.USD),
        actor=cast.seller.actor,
    )
    story.payouts.append(asked.public_id)


def _uploaded(story: Story) -> Batch:
    """A file with spoilt rows, taken in to its end."""
    draft = _mapped(_draft(story, "october.csv", rows=40), story.cast)
    actor = story.cast.seller.actor
    batch = imports.draft_batch(
        import_id=draft.id,
        name="October",
        quality_class=QualityClass.STANDARD,
        price=Money(45_00, Currency.USD),
        kind=LeadKind.EXCLUSIVE,
        sales_max=1,
        actor=actor,
    )
    imports.confirm(batch_id=batch.id, declared_unsold=True, actor=actor)
    db.session.commit()  # taking in works in units of its own
    take_in(batch.id)
    assert batch.status is not BatchStatus.VALIDATING
    return batch


def _draft(story: Story, name: str, *, rows: int) -> Import:
    cast, definition = story.cast, catalog.get_definition(catalog.get_vertical(VERTICAL))
    cells = samples.invented_rows(definition, random=Random(name), count=rows, now=clock.now())
    for row, person in zip(cells, story.family(rows), strict=True):
        row.update(person)
    samples.plant(cells, random=Random(name), defects=DEFECTS)
    cells += cells[:5]  # people who stand there twice
    return imports.start_import(
        organization_id=cast.seller.organization.id,
        vertical_code=VERTICAL,
        source_name="Search ads",
        file_name=name,
        stream=io.BytesIO(samples.as_csv(definition, cells)),
        actor=cast.seller.actor,
    )


def _mapped(draft: Import, cast: Cast) -> Import:
    return imports.map_columns(import_id=draft.id, chosen={}, actor=cast.seller.actor)


def _staff(story: Story) -> None:
    for player, role in ((story.cast.buyer, Role.MEMBER), (story.cast.seller, Role.FINANCE)):
        _, token = identity.invite(
            organization_id=player.organization.id, role=role, note="for Kim", actor=player.actor
        )
        story.invitations.append(token)


def _posted(story: Story) -> None:
    """Leads one by one: kept, known, refused, a test; and what the source shows to strangers."""
    seller, terms = story.cast.seller, make_terms(story.cast.seller, source="quotes page")
    kept, tried = story.family(2)
    for body in (make_body(kept), make_body(kept), make_body(tried, test=True)):
        post(seller, terms, {**body, "ip": "203.0.113.9", "user_agent": f"{FAMILY}Browser"})
    wrong = {**tried, "phone": tried["phone"] + "0000"}
    post(seller, terms, make_body(wrong, landing_url=f"https://quotes.example/?q={FAMILY}"))
    form = capture.open_form(
        terms_id=terms.id,
        title="A new roof",
        language="en",
        is_callback=False,
        consent_text=CONSENT,
        origins=["https://quotes.example"],
        actor=seller.actor,
    )
    spec = posting.share_spec(terms_id=terms.id, actor=seller.actor)
    story.terms.append(terms.public_id)
    story.shared += [spec, form.token]
