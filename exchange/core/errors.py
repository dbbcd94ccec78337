"""Errors of the domain: each is a situation with a stable code and an HTTP status.

Verbs raise them, one handler in `app` renders them as a page or as a problem document.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

N_ = str  # marks a sentence for the catalogs; pages translate it, programs get the English


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that was refused; the pointer is a JSON pointer into what was sent."""

    pointer: str
    code: str
    detail: str


class DomainError(Exception):
    """A situation that the caller can understand and act upon."""

    code = "refused"
    status = 409
    title = N_("Refused")

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        errors: tuple[FieldProblem, ...] = (),
        retry_after: int | None = None,
        **facts: str | int | None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.code = code or self.code
        self.errors = errors
        self.retry_after = retry_after
        self.facts = facts


class Malformed(DomainError):
    code, status, title = "malformed", 400, N_("The request cannot be read")


class Unauthenticated(DomainError):
    code, status, title = "unauthenticated", 401, N_("Sign in first")


class InsufficientFunds(DomainError):
    code, status, title = "insufficient_funds", 402, N_("Not enough funds")


class Forbidden(DomainError):
    code, status, title = "forbidden", 403, N_("Not allowed")


class NotFound(DomainError):
    """Also for what is not yours: absence and lack of access look the same from outside."""

    code, status, title = "not_found", 404, N_("Not found")


class Conflict(DomainError):
    code, status, title = "conflict", 409, N_("Not possible in the present state")


class IllegalTransition(Conflict):
    code, title = "illegal_transition", N_("Not possible in the present state")


class Gone(DomainError):
    code, status, title = "gone", 410, N_("No longer available")


class TooLarge(DomainError):
    code, status, title = "too_large", 413, N_("Too large")


class UnsupportedFile(DomainError):
    code, status, title = "unsupported_file", 415, N_("This kind of file cannot be read")


class Invalid(DomainError):
    code, status, title = "invalid", 422, N_("Please check the marked fields")


class Unavailable(DomainError):
    code, status, title = "unavailable", 503, N_("Not available just now")


def place_of(error: BaseException) -> str:
    """File and line where an error was raised; its text may be data and is not for logs."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
