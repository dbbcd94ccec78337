"""Questions about notices: what an organization has not read yet, and what was said to it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from exchange.core.db import db
from exchange.core.errors import NotFound
from exchange.core.pagination import Page, paginate
from exchange.notifications.models import Notice

COUNTED_MAX = 100  # beyond it nobody reads the exact number


def unread(organization_id: UUID) -> int:
    """How many notices nobody of the organization has read, counted up to 100."""
    some = (
        select(Notice.id)
        .where(Notice.organization_id == organization_id, Notice.read_at.is_(None))
        .limit(COUNTED_MAX)
        .subquery()
    )
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def notices(*, viewer: UUID, cursor: str | None = None, only_unread: bool = False) -> Page[Notice]:
    """The notices of the viewer's organization, newest first."""
    statement = select(Notice).where(Notice.organization_id == viewer)
    if only_unread:
        statement = statement.where(Notice.read_at.is_(None))
    return paginate(statement, Notice, cursor=cursor)


def get_notice(notice_id: UUID, *, viewer: UUID) -> Notice:
    """A notice of the viewer's organization. Raises NotFound."""
    statement = select(Notice).where(Notice.id == notice_id, Notice.organization_id == viewer)
    notice = db.session.scalar(statement)
    if notice is None:
        raise NotFound
    return notice
