"""What the spot check does when a seller is let in, uploads, or a person is taken off the lists."""

from __future__ import annotations

from exchange.catalog.policies import QualityClass
from exchange.core.actors import SYSTEM
from exchange.core.db import get, parse_id
from exchange.core.events import Event, on
from exchange.identity.models import Organization
from exchange.identity.permissions import OrganizationKind
from exchange.leads.models import Batch, Import, Lead
from exchange.leads.rights import Erasure
from exchange.verification.services import draws, full_inspections, further, samples, verdicts


@on("organization.approved")
def commit_first(event: Event) -> None:
    """A seller's first commitment is published before there is anything to upload."""
    organization = get(Organization, event.subject.id)
    if organization.kind is OrganizationKind.SELLER:
        draws.commit_next(organization_id=organization.id, actor=SYSTEM)


@on("import.created")
def assign_draw(event: Event) -> None:
    """An upload takes the seller's open commitment before its file is read."""
    draft = get(Import, event.subject.id)
    draws.assign(import_id=draft.id, organization_id=draft.organization_id, actor=SYSTEM)


@on("batch.open")
def assign_draw_to_lot(event: Event) -> None:
    """A lot of single leads takes the open commitment before its first lead."""
    batch = get(Batch, event.subject.id)
    draws.assign(
        import_id=None, batch_id=batch.id, organization_id=batch.organization_id, actor=SYSTEM
    )


@on("batch.sealed")
def publish_root(event: Event) -> None:
    """A sealed lot shows its root and awaits its nonce; an Unverified one is not sampled."""
    batch = get(Batch, event.subject.id)
    draws.root(batch_id=batch.id, actor=SYSTEM)
    if batch.quality_class is QualityClass.UNVERIFIED:
        draws.waive(batch_id=batch.id, actor=SYSTEM)


@on("batch.withdrawn")
def stop_inspecting(event: Event) -> None:
    """Nobody else of a lot is called at its seller's cost once it was taken back."""
    full_inspections.stop(batch_id=event.subject.id, actor=SYSTEM)


@on("person.erased")
def forget_notes(event: Event) -> None:
    """What verifiers wrote down of an erased person is the person's too."""
    erasure = get(Erasure, event.subject.id)
    verdicts.forget(lead_ids=[parse_id(text, Lead) for text in erasure.lead_ids])


@on("lead.suppressed")
@on("lead.purged")
def stop_calling(event: Event) -> None:
    """Nobody calls a person who was taken off the lists: the question stays open for good."""
    if event.subject_kind == Batch.KIND:
        samples.close_uncallable(batch_id=event.subject.id, actor=SYSTEM)


@on("batch.rejected")
@on("batch.withdrawn")
def stop_following_up(event: Event) -> None:
    """Nobody is called any more about leads that nobody will buy."""
    further.stop(batch_id=event.subject.id, actor=SYSTEM)
