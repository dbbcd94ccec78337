"""What the seller's pages show: rows of several packages read together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from exchange.catalog.models import Vertical
from exchange.core.db import get
from exchange.core.pagination import Page
from exchange.leads import queries as leads
from exchange.leads.models import Batch, BatchStatus, Import
from exchange.verification import queries as verification


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch with what its page and its JSON say about it."""

    batch: Batch
    vertical: Vertical
    quality: Any  # Any: verification's Quality or None before the decision
    questions: Sequence[dict[str, Any]]
    problems: dict[str, int]

    @property
    def root(self) -> str | None:
        """The Merkle root in hexadecimal."""
        root = self.batch.merkle_root
        return None if root is None else root.hex()


def get_batch_view(batch_id: UUID, *, viewer: UUID) -> BatchView:
    """A seller's own batch. Raises NotFound."""
    return view_of(leads.get_batch(batch_id, viewer=viewer))


def view_of(batch: Batch) -> BatchView:
    """The batch with all that is shown of it."""
    draft = get(Import, batch.import_id) if batch.import_id else None
    return BatchView(
        batch=batch,
        vertical=leads.vertical_of(batch.vertical_id),
        quality=verification.published_quality(batch.id),
        questions=draft.questions if draft and batch.status is BatchStatus.DRAFT else [],
        problems=leads.problem_counts(batch.id),
    )


@dataclass(frozen=True, slots=True)
class BatchPage:
    """A page of batch views, in the shape of every page."""

    items: list[BatchView]
    next_cursor: str | None
    has_more: bool

    @property
    def next(self) -> str | None:
        """The cursor by the name that templates use."""
        return self.next_cursor


def batch_views(
    *, viewer: UUID, status: BatchStatus | None = None, cursor: str | None = None, limit: int = 25
) -> BatchPage:
    """A seller's batches, newest first."""
    page: Page[Batch] = leads.batches(viewer=viewer, status=status, cursor=cursor, limit=limit)
    return BatchPage([view_of(batch) for batch in page.items], page.next_cursor, page.has_more)
