"""Pages of single leads: terms of a source, its tokens, spec and hosted forms, its last posts."""

from __future__ import annotations

from uuid import UUID

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from exchange.catalog import queries as catalog
from exchange.core.db import parse_id
from exchange.core.forms import PageQuery
from exchange.core.idempotency import idempotent
from exchange.core.money import Money
from exchange.core.web import again_with_errors, load_form, load_query, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import capture_words, post_queries
from exchange.leads import queries as leads
from exchange.leads.findings import row_sentence
from exchange.leads.post_models import CaptureForm, PostingToken, SourceTerms
from exchange.leads.post_presets import presets
from exchange.leads.services import capture
from exchange.leads.services import posting as verbs
from exchange.sellers import queries
from exchange.sellers.schemas import (
    CaptureFormForm,
    PostingTermsForm,
    TokenForm,
    WordingForm,
)
from exchange.sellers.views.blueprint import blueprint


@blueprint.get("/posting")
@requires(Permission.BATCH_READ)
def posting() -> Response:
    return render("sellers/posting/index.html", views=queries.terms_views(viewer=organization().id))


@blueprint.get("/posting/new")
@requires(Permission.BATCH_UPLOAD)
def new_terms() -> Response:
    return _terms_page(None)


@blueprint.post("/posting")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(new_terms)
def set_terms() -> ResponseReturnValue:
    terms = _set(load_form(PostingTermsForm()))
    return see_other(
        "sellers.posting_source", terms_id=terms.public_id, toast=_("The terms are saved.")
    )


@blueprint.get("/posting/<terms_id>/terms")
@requires(Permission.BATCH_UPLOAD)
def edit_terms(terms_id: str) -> Response:
    return _terms_page(_mine(terms_id))


@blueprint.post("/posting/<terms_id>/terms")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(edit_terms)
def change_terms(terms_id: str) -> ResponseReturnValue:
    terms = _mine(terms_id)
    fixed: dict[str, object] = {
        "source": post_queries.source_of(terms).name,
        "vertical": leads.vertical_of(terms.vertical_id).code,
    }
    if terms.contract_id is not None:  # what an offer pays was agreed with its buyer
        fixed |= {"kind": terms.kind, "price": terms.price.amount, "sales_max": 1}
    form = load_form(PostingTermsForm(partial=tuple(fixed)))
    _set({**form, **fixed}, contract_id=terms.contract_id)
    return see_other("sellers.posting_source", terms_id=terms_id, toast=_("The terms are saved."))


@blueprint.get("/posting/<terms_id>")
@requires(Permission.BATCH_READ)
def posting_source(terms_id: str) -> Response:
    terms, asked = _mine(terms_id), load_query(PageQuery())
    lot = post_queries.find_open_lot(terms)
    return render(
        "sellers/posting/detail.html",
        block="results",
        seen=queries.terms_view(terms),
        page=post_queries.posts(terms.id, **asked),
        counts=post_queries.post_counts(terms.id),
        lot=lot and leads.get_batch(lot, viewer=organization().id),
        tokens=post_queries.tokens(terms.id),
        forms=post_queries.forms(terms.id),
        wording_of=post_queries.wording_of,
        presets=presets().values(),
        languages=list(capture_words.LANGUAGES.items()),
        sentence=lambda code: _(row_sentence(code)),
        base=current_app.config["SETTINGS"].base_url.rstrip("/"),
    )


@blueprint.post("/posting/<terms_id>/tokens")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(posting_source)
def make_token(terms_id: str) -> ResponseReturnValue:
    terms, form = _mine(terms_id), load_form(TokenForm())
    settings = {
        name.removeprefix("setting-"): text
        for name, text in request.form.items()
        if name.startswith("setting-")
    }
    made, token = verbs.make_token(
        terms_id=terms.id, name=form["name"], settings=settings, actor=actor()
    )
    base = current_app.config["SETTINGS"].base_url.rstrip("/")
    address = f"{base}/api/v1/leads/in/{token}"
    return render(
        "sellers/posting/token.html",
        terms=terms,
        made=made,
        address=address,
        presets=presets().values(),
    )


@blueprint.post("/posting/<terms_id>/tokens/<token_id>/revoke")
@requires(Permission.BATCH_UPLOAD)
def revoke_token(terms_id: str, token_id: str) -> ResponseReturnValue:
    verbs.revoke_token(token_id=parse_id(token_id, PostingToken), actor=actor())
    return see_other(
        "sellers.posting_source", terms_id=terms_id, toast=_("The token works no more.")
    )


@blueprint.post("/posting/<terms_id>/spec/<step>")
@requires(Permission.BATCH_UPLOAD)
def share_spec(terms_id: str, step: str) -> ResponseReturnValue:
    terms = _mine(terms_id)
    if step == "close":
        verbs.unshare_spec(terms_id=terms.id, actor=actor())
        return see_other(
            "sellers.posting_source", terms_id=terms_id, toast=_("The link is closed.")
        )
    verbs.share_spec(terms_id=terms.id, actor=actor())
    return see_other("sellers.posting_source", terms_id=terms_id, toast=_("The link is open."))


@blueprint.post("/posting/<terms_id>/forms")
@requires(Permission.BATCH_UPLOAD)
@again_with_errors(posting_source)
@idempotent
def open_form(terms_id: str) -> ResponseReturnValue:
    form = load_form(CaptureFormForm())
    origins = form.pop("origins").split()
    capture.open_form(terms_id=_mine(terms_id).id, origins=origins, actor=actor(), **form)
    return see_other("sellers.posting_source", terms_id=terms_id, toast=_("The form is open."))


@blueprint.post("/posting/<terms_id>/forms/<form_id>/wording")
@requires(Permission.BATCH_UPLOAD)
def reword_form(terms_id: str, form_id: str) -> ResponseReturnValue:
    text = load_form(WordingForm())["consent_text"]
    capture.reword(form_id=parse_id(form_id, CaptureForm), consent_text=text, actor=actor())
    return see_other("sellers.posting_source", terms_id=terms_id, toast=_("The wording is saved."))


@blueprint.post("/posting/<terms_id>/forms/<form_id>/close")
@requires(Permission.BATCH_UPLOAD)
def close_form(terms_id: str, form_id: str) -> ResponseReturnValue:
    capture.close_form(form_id=parse_id(form_id, CaptureForm), actor=actor())
    return see_other("sellers.posting_source", terms_id=terms_id, toast=_("The form is closed."))


def _terms_page(terms: SourceTerms | None) -> Response:
    ours = organization()
    return render(
        "sellers/posting/terms.html",
        terms=terms,
        source=terms and post_queries.source_of(terms),
        sources=leads.sources(viewer=ours.id),
        definitions=[catalog.get_definition(v) for v in catalog.verticals()],
        code=terms and leads.vertical_of(terms.vertical_id).code,
        language=str(get_locale()),
    )


def _set(form: dict[str, object], *, contract_id: UUID | None = None) -> SourceTerms:
    source, code = str(form.pop("source")), str(form.pop("vertical"))
    price = Money(int(str(form.pop("price"))), catalog.get_vertical(code).currency)
    return verbs.set_terms(
        organization_id=organization().id,
        source_name=source,
        vertical_code=code,
        wish=verbs.Wish(price=price, **form),  # type: ignore[arg-type]  # as the schema loads them
        contract_id=contract_id,
        actor=actor(),
    )


def _mine(terms_id: str) -> SourceTerms:
    return post_queries.get_source_terms(parse_id(terms_id, SourceTerms), viewer=organization().id)
