"""Pages and forms: render a page or one block of it, load a form by its schema, see another page.

Every page works without JavaScript; htmx asks the same address and gets the block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import wraps
from itertools import islice
from typing import Any, Final, ParamSpec

from flask import (
    Response,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from jinja2_fragments.flask import render_block
from marshmallow import EXCLUDE, Schema, ValidationError

from exchange.core import db as database
from exchange.core.errors import DomainError, FieldProblem, Invalid, Malformed

P = ParamSpec("P")
PIECES_PER_BLOCK: Final = 500  # of a download, such as rows
N_ = str  # marks a sentence for the catalogs; pages translate the sentences of errors

# What the schema library says by itself.
LIBRARY_SENTENCES: Final = (
    N_("Missing data for required field."),
    N_("Field may not be null."),
    N_("Not a valid string."),
    N_("Not a valid integer."),
    N_("Not a valid number."),
    N_("Not a valid boolean."),
    N_("Not a valid email address."),
    N_("Not a valid choice."),
    N_("String does not match expected pattern."),
)


@dataclass(frozen=True, slots=True)
class FormState:
    """What a form shows again after it was refused: the values sent and, by field, the mistakes."""

    values: dict[str, Any] = field(default_factory=dict)  # Any: as the browser sent them
    errors: dict[str, list[str]] = field(default_factory=dict)
    message: str = ""

    def value(self, name: str, default: Any = "") -> Any:  # Any: shown as it is
        """What was sent for a field, else the default."""
        return self.values.get(name, default)


def is_fragment() -> bool:
    """Whether htmx asked for a block; restoring history wants the whole page."""
    headers = request.headers
    return "HX-Request" in headers and "HX-History-Restore-Request" not in headers


def render(
    template: str, *, block: str | None = None, status: int = 200, **context: Any
) -> Response:
    """The page, or the named block for htmx. The view names the block, the client never does."""
    context.setdefault("form", g.get("form_state") or FormState())
    if block and is_fragment():
        response = make_response(render_block(template, block, **context))
    else:
        response = make_response(render_template(template, **context))
    response.status_code = g.get("page_status", status)
    response.headers["Vary"] = "HX-Request"
    response.headers.setdefault("Cache-Control", "private, no-store")
    return response


def image(content: bytes, content_type: str) -> Response:
    """A picture that somebody uploaded: of the type that we found, and never anything else.

    Opened by itself it may load and run nothing, whatever stands in its bytes.
    """
    response = Response(content, content_type=content_type)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Content-Disposition"] = "inline"
    return response


def download(pieces: Iterable[bytes], *, name: str, mimetype: str = "text/csv") -> Response:
    """A file of that name that is written while it is sent.

    Its first block is made at once: what goes wrong there is an error page, as anywhere. No
    transaction waits for a slow line: each further block is read in a unit of work of its own.
    """
    blocks = _in_blocks(iter(pieces))
    body = stream_with_context(_sent_on(next(blocks, b""), blocks))
    response = Response(body, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _in_blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    while block := b"".join(islice(pieces, PIECES_PER_BLOCK)):
        yield block


def _sent_on(block: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    while block:
        yield block
        with database.unit_of_work():
            block = next(blocks, b"")


def see_other(endpoint: str, *, toast: str | None = None, **values: Any) -> Response:
    """303 to another page after a POST that succeeded."""
    if toast:
        flash(toast, "success")
    response = make_response(redirect(url_for(endpoint, **values), code=303))
    if is_fragment():
        response = Response(status=200, headers={"HX-Redirect": url_for(endpoint, **values)})
    return response


def load_form(schema: Schema) -> dict[str, Any]:
    """The request's form or JSON body by its schema. Raises Invalid with every field error."""
    try:
        loaded: dict[str, Any] = schema.load(_sent(schema), unknown=EXCLUDE)
    except ValidationError as error:
        raise Invalid(errors=tuple(_problems("", error.messages))) from error
    return loaded


def load_query(schema: Schema) -> dict[str, Any]:
    """The address's arguments by their schema; empty ones were not asked. Raises Invalid."""
    try:
        asked: dict[str, Any] = schema.load(
            {name: value for name, value in request.args.items() if value}, unknown=EXCLUDE
        )
    except ValidationError as error:
        raise Invalid(errors=tuple(_problems("", error.messages))) from error
    return asked


def again_with_errors(
    page: Callable[..., ResponseReturnValue],
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """For the door that takes a form: show its page again, with 422 or 409, when it was refused."""

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def door(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            try:
                return view(*args, **kwargs)
            except DomainError as error:
                if error.status in {401, 403, 404}:
                    raise
                database.roll_back_request()
                g.form_state = _refused(error)
                g.page_status = error.status
                return page(*args, **kwargs)

        return door

    return decorate


def _refused(error: DomainError) -> FormState:
    errors: dict[str, list[str]] = {}
    for problem in error.errors:
        name = problem.pointer.strip("/").split("/")[0]
        errors.setdefault(name, []).append(gettext(problem.detail))
    return FormState(request.form.to_dict(), errors, gettext(error.detail))


def _sent(schema: Schema) -> dict[str, Any]:
    if request.is_json:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            raise Malformed("The body must be a JSON object.")
        return body
    # A field left empty was not filled in; a repeated field is a list where the schema has one.
    return {
        name: [v for v in values if v] if _is_list(schema, name) else values[0]
        for name, values in request.form.lists()
        if any(values)
    }


def _is_list(schema: Schema, name: str) -> bool:
    return type(schema.fields.get(name)).__name__ in {"List", "DelimitedList"}


def _problems(prefix: str, messages: Any) -> list[FieldProblem]:  # Any: marshmallow's nesting
    if isinstance(messages, dict):
        return [
            found
            for name, inner in messages.items()
            for found in _problems(f"{prefix}/{name}" if name != "_schema" else prefix, inner)
        ]
    texts = messages if isinstance(messages, list) else [messages]
    return [FieldProblem(prefix or "/", "invalid", str(text)) for text in texts]
