"""Verbs of imports: a file becomes a batch, one confirmed step after the other.

The draw is committed before a byte of the file is read: "import.created" is recorded first.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import IO, Any
from uuid import UUID

from exchange.catalog import queries as catalog
from exchange.catalog.definition import Terms
from exchange.catalog.policies import PRICE_MAX, QualityClass
from exchange.core import events, storage
from exchange.core.actors import Actor
from exchange.core.crypto import new_key
from exchange.core.db import db, get, lock, on_roll_back, save
from exchange.core.errors import Conflict, FieldProblem, Invalid
from exchange.core.events import Ref
from exchange.core.keys import keyring
from exchange.core.money import Money
from exchange.core.states import transition
from exchange.identity.services import require_approved
from exchange.leads import queries
from exchange.leads.findings import FileReject, Question
from exchange.leads.mapping import header_set, require_complete
from exchange.leads.models import Batch, BatchStatus, Import, ImportStatus, LeadKind, Source
from exchange.leads.reading import LIMITS, Recognition
from exchange.leads.services import files, looks
from exchange.leads.services.checks import ask_check, require_all_right
from exchange.leads.services.fixes import forget_rows_of
from exchange.leads.services.mending import Words, check_words, together
from exchange.leads.services.sources import ensure_source, given_by, require_open

SALES_MAX = 10
ANSWERS = frozenset(
    {
        "encoding",
        "delimiter",
        "quote",
        "header_row",
        "sheet",
        "hidden",
        "date_order",
        "decimal_separator",
    }
)


def start_import(
    *,
    organization_id: UUID,
    vertical_code: str,
    source_name: str,
    file_name: str,
    stream: IO[bytes],
    again: bool = False,
    actor: Actor,
) -> Import:
    """Keep an uploaded file, encrypted, and say what it is.

    Raises FileReject for a file that cannot be read at all and Conflict `file_known` for one that
    was imported before, unless `again` says that this is meant. Nothing is kept of a refused file.
    """
    if not file_name.strip():
        raise Invalid(errors=(FieldProblem("/file", "required", "Choose a file."),))
    vertical = catalog.get_vertical(vertical_code)
    source = ensure_source(organization_id=organization_id, name=source_name, actor=actor)
    given = given_by(source, catalog.get_definition(vertical))
    draft = Import(
        organization_id=organization_id,
        vertical_id=vertical.id,
        schema_id=catalog.get_schema(vertical).id,
        source_id=source.id,
        defaults=given.values,
        consent_version=given.consent_version,
        file_name=files.shown_name(file_name),
        file_size=0,
        file_sha256=b"",
    )
    save(draft)
    events.record("import.created", subject=draft, actor=actor)
    try:
        _receive(draft, stream, again=again)
        _recognise(draft, {}, actor=actor)
    except BaseException as error:
        storage.delete(files.storage_key(draft))
        if isinstance(error, FileReject):
            _remember_refusal(draft, error, actor=actor)
        raise
    return draft


def answer(*, import_id: UUID, answers: Mapping[str, str], actor: Actor) -> Import:
    """Settle what was asked about the file: encoding, delimiter, header_row, date_order ...

    Raises Invalid for an answer to what nobody asks.
    """
    if unknown := sorted(set(answers) - ANSWERS):
        text = f"Nothing called {unknown[0]} is asked about a file."
        raise Invalid(errors=(FieldProblem(f"/answers/{unknown[0]}", "unknown_field", text),))
    draft = _open_draft(import_id)
    _recognise(draft, {**draft.recognition.get("answers", {}), **answers}, actor=actor)
    return draft


def map_columns(
    *,
    import_id: UUID,
    chosen: Mapping[int, str | None],
    answers: Mapping[str, str] | None = None,
    defaults: Mapping[str, str] | None = None,
    words: Words | None = None,
    actor: Actor,
) -> Import:
    """Fix which column is which field and how dates and decimals are written.

    Columns not named keep their place or their guess; `defaults` are values of fields whose cells
    are empty, `words` what files call the values of a field. What only the seller can say stays in
    `questions`, and the import stays where it is until a call answers it. Raises
    FileReject(missing_column) while a required field has no column, and Invalid for what the
    schema does not have.
    """
    draft = _open_draft(import_id)
    if draft.status is ImportStatus.UPLOADED:
        raise Conflict("Answer what was asked about the file first.", code="questions_open")
    _remember_answers(draft, answers or {})
    found = looks.look(draft, chosen=chosen, defaults=defaults)
    require_complete(found.mapping)
    draft.questions = [_question(question) for question in found.questions]
    if found.questions:
        db.session.flush()
        return draft
    given = check_words(words or {}, fields=queries.fields_of(draft.schema_id))
    known = {**queries.remembered_words(draft), **draft.mapping.get("words", {})}
    words = together(known, given)
    draft.mapping = {**found.mapping.settings(), "formats": found.formats, "words": words}
    ask_check(draft, actor=actor)
    _advance(draft, actor=actor)
    return draft


def _advance(draft: Import, *, actor: Actor) -> None:
    for step in (ImportStatus.MAPPED, ImportStatus.CHECKED):
        if draft.status is ImportStatus.CHECKED:
            transition(draft, ImportStatus.MAPPED, actor=actor)
        if draft.status is not step:
            transition(draft, step, actor=actor)


def _remember_answers(draft: Import, answers: Mapping[str, str]) -> None:
    known = draft.recognition.get("answers", {})
    draft.recognition = {**draft.recognition, "answers": {**known, **answers}}


def draft_batch(
    *,
    import_id: UUID,
    name: str,
    quality_class: QualityClass,
    price: Money,
    kind: LeadKind,
    sales_max: int,
    actor: Actor,
) -> Batch:
    """Write down on what terms the file is to become a lot. Raises Invalid for unfit terms."""
    draft = lock(Import, import_id)
    terms = catalog.get_terms(queries.vertical_of(draft.vertical_id))
    _check_terms(draft, price, kind=kind, sales_max=sales_max)
    _check_class(quality_class, terms)
    batch = queries.find_batch_of_import(draft.id)
    if batch is not None and batch.status is not BatchStatus.DRAFT:
        raise Conflict("This import was sent to checking before.", code="import_finished")
    if batch is None:
        batch = Batch(
            organization_id=draft.organization_id,
            vertical_id=draft.vertical_id,
            schema_id=draft.schema_id,
            source_id=draft.source_id,
            import_id=draft.id,
        )
    batch.name = name.strip() or draft.file_name
    batch.quality_class, batch.kind = quality_class, kind
    batch.price, batch.sales_max = price, sales_max
    save(batch)
    events.record("batch.drafted", subject=batch, actor=actor)
    return batch


def confirm(
    *, batch_id: UUID, declared_unsold: bool, only_if_all_right: bool = False, actor: Actor
) -> Batch:
    """Send the rows to checking: from here on the file becomes leads (decision 3).

    Raises Invalid without the declaration and Conflict while something is still to be asked; with
    `only_if_all_right` also while a row is refused, or not all of them were checked.
    """
    batch = lock(Batch, batch_id)
    require_approved(batch.organization_id)
    assert batch.import_id is not None
    draft = lock(Import, batch.import_id)
    require_open(get(Source, batch.source_id))
    if not declared_unsold:
        text = "Declare that the rows are not sold and not being sold elsewhere."
        raise Invalid(errors=(FieldProblem("/declared_unsold", "required", text),))
    if draft.status is ImportStatus.CONFIRMED:
        raise Conflict("This import was sent to checking before.", code="import_finished")
    if draft.status is not ImportStatus.CHECKED:
        raise Conflict("The columns are not mapped yet.", code="questions_open")
    if draft.refusal:
        raise Conflict("The file is broken. Upload it again, mended.", code="file_unreadable")
    if only_if_all_right:
        require_all_right(draft)
    transition(draft, ImportStatus.CONFIRMED, actor=actor)
    transition(batch, BatchStatus.VALIDATING, actor=actor, declared_unsold=True)
    return batch


def abandon(*, import_id: UUID, actor: Actor) -> None:
    """Drop a draft with its file."""
    draft = _open_draft(import_id)
    transition(draft, ImportStatus.ABANDONED, actor=actor)
    forget_rows_of(draft.id)
    files.destroy(draft)


def _open_draft(import_id: UUID) -> Import:
    draft = lock(Import, import_id)
    if draft.status in {ImportStatus.CONFIRMED, ImportStatus.ABANDONED}:
        raise Conflict("This import is finished.", code="import_finished")
    return draft


def _receive(draft: Import, stream: IO[bytes], *, again: bool) -> None:
    secret = new_key()
    on_roll_back(partial(storage.delete, files.storage_key(draft)))
    kept = storage.put(files.storage_key(draft), stream, secret=secret, bytes_max=LIMITS.size)
    wrapped = keyring().wrap(secret, bound_to=draft.id.bytes)
    draft.file_key_version, draft.file_key = wrapped.version, wrapped.wrapped
    draft.file_size, draft.file_sha256 = kept.size, kept.sha256
    earlier = queries.find_batch_of_file(draft)
    if earlier is not None and not again:
        raise Conflict(
            f"This file was uploaded before, as {earlier.name}. Say so if you mean it.",
            code="file_known",
            batch=earlier.public_id,
        )
    db.session.flush()


def _recognise(draft: Import, answers: Mapping[str, str], *, actor: Actor) -> None:
    found = files.examine_upload(draft, answers)
    before = {name: draft.recognition.get(name) for name in found.settings()}
    is_same = before == found.settings()
    if is_same and draft.recognition["answers"] == answers and not found.questions:
        return
    if not is_same:
        # Other cells stand in other columns now: what was mended in them means nothing.
        draft.mapping, draft.forecast = {}, {}
        forget_rows_of(draft.id)
    offered = draft.recognition.get("offered", {})
    draft.recognition = {
        **found.settings(),
        "answers": dict(answers),
        "columns": header_set(found.header),
        # What was asked once can be answered again, when nothing asks any more.
        "offered": {**offered, **{q.field: list(q.options) for q in found.questions}},
        **_notes(found),
    }
    draft.questions = [_question(question) for question in found.questions]
    if found.questions and draft.status is not ImportStatus.UPLOADED:
        fields = ", ".join(question.field for question in found.questions)
        raise Conflict(f"Then say also: {fields}.", code="questions_open")
    if draft.status is not ImportStatus.RECOGNISED and not found.questions:
        transition(draft, ImportStatus.RECOGNISED, actor=actor)
    db.session.flush()


def _notes(found: Recognition) -> dict[str, Any]:
    return {"notes": [{"code": note.code, "value": note.value} for note in found.notes]}


def _question(question: Question) -> dict[str, Any]:
    """The question without its preview, which shows people's names."""
    return {
        "code": question.code,
        "field": question.field,
        "options": list(question.options),
        "guess": question.guess,
    }


def _remember_refusal(draft: Import, error: FileReject, *, actor: Actor) -> None:
    events.record_refusal(
        "import.refused",
        subject=Ref("organization", draft.organization_id),
        actor=actor,
        organization_id=draft.organization_id,
        code=error.code,
        file_name=draft.file_name,
    )


def _check_terms(draft: Import, price: Money, *, kind: LeadKind, sales_max: int) -> None:
    problems = []
    currency = queries.vertical_of(draft.vertical_id).currency
    if price.currency != currency:
        problems.append(FieldProblem("/price", "currency", f"Prices here are in {currency}."))
    if price.amount <= 0:
        problems.append(FieldProblem("/price", "price_range", "The price must be above nil."))
    if price.amount > PRICE_MAX:
        problems.append(FieldProblem("/price", "price_range", "No lead costs so much."))
    if kind is LeadKind.TARGETED:
        text = "Targeted leads come under a contract, not in a file."
        problems.append(FieldProblem("/kind", "value_not_allowed", text))
    most = 1 if kind is LeadKind.EXCLUSIVE else SALES_MAX
    if not 1 <= sales_max <= most:
        text = f"These leads can be sold at most {most} times."
        problems.append(FieldProblem("/sales_max", "value_not_allowed", text))
    if problems:
        raise Invalid(errors=tuple(problems))


def _check_class(grade: QualityClass, terms: Terms) -> None:
    if grade not in terms.typical_prices:
        text = f"The classes here are: {', '.join(terms.typical_prices)}."
        raise Invalid(errors=(FieldProblem("/quality_class", "value_not_allowed", text),))
