"""Several files sent together: each becomes a draft of its own, or says why it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, NamedTuple
from uuid import UUID

from exchange.core import events
from exchange.core.actors import Actor
from exchange.core.db import db
from exchange.core.errors import DomainError, Invalid
from exchange.leads.models import Import
from exchange.leads.services.imports import start_import

FILES_MAX = 20


class Sent(NamedTuple):
    """A file as it comes in."""

    name: str
    stream: IO[bytes]


class Received(NamedTuple):
    """What became of a file: a draft, or the reason why there is none."""

    name: str
    draft: Import | None
    error: DomainError | None = None


def start_imports(
    *,
    organization_id: UUID,
    vertical_code: str,
    source_name: str,
    files: Sequence[Sent],
    again: bool = False,
    actor: Actor,
) -> list[Received]:
    """Keep each file as a draft; one that is refused does not spoil the others.

    Raises Invalid for too many files at once.
    """
    if len(files) > FILES_MAX:
        raise Invalid(f"At most {FILES_MAX} files can be sent at once.", code="too_many_files")
    found = []
    for file in files:
        try:
            with db.session.begin_nested():
                draft = start_import(
                    organization_id=organization_id,
                    vertical_code=vertical_code,
                    source_name=source_name,
                    file_name=file.name,
                    stream=file.stream,
                    again=again,
                    actor=actor,
                )
        except DomainError as error:
            events.keep_refusals()
            found.append(Received(file.name, None, error))
        else:
            found.append(Received(file.name, draft))
    return found
