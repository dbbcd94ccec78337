"""One cell to one e-mail address and the form by which repeats are found.

Nobody is asked over the network; whether a mailbox exists is not known here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from functools import lru_cache
from typing import Final, NamedTuple

from disposable_email_domains import blocklist
from email_validator import EmailNotValidError, validate_email

LENGTH_MAX: Final = 254  # characters of an address (RFC 5321)
LOCAL_MAX: Final = 64  # characters before the at sign
RAW_MAX: Final = 300  # characters of a cell that are looked at

_LOCAL: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# No quoted parts and no address literals: allowed by the standard, never a lead's.
_ADDRESS: Final = re.compile(rf"({_LOCAL}(?:\.{_LOCAL})*)@((?:{_LABEL}\.)+[A-Za-z]{{2,63}})")
# Mailboxes of a function, not of a person.
ROLES: Final = frozenset(
    (
        *("abuse", "admin", "administrator", "billing", "booking", "career", "careers"),
        *("contact", "enquiries", "feedback", "hello", "help", "hr", "info", "jobs", "mail"),
        *("mailer-daemon", "marketing", "no-reply", "noreply", "office", "orders"),
        *("postmaster", "press", "privacy", "reception", "root", "sales", "security"),
        *("service", "spam", "support", "team", "webmaster", "contacto", "ventas"),
        *("administracion", "soporte", "jualan"),
    )
)
# Providers to whom a dot in the name means nothing, with the one name of their domain.
_DOTLESS: Final = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}
# Letters that pass for Latin ones, from the confusables of Unicode TR 39.
_CONFUSABLE: Final = frozenset("аеорсухіѕјһԁԛԝѵкмтвнαορνυικ")


# The same in lower case and without a tag, so that the address is its own key.
_PLAIN_LOCAL: Final = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_PLAIN_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


class EmailProblem(ValueError):
    """A cell that is no usable address. The code is stable; the text is never repeated."""

    def __init__(self, code: str = "email_invalid") -> None:
        super().__init__(code)
        self.code = code


class Email(NamedTuple):
    """An address as given, with a lower-case domain; `ascii_domain` is its form in the DNS."""

    address: str
    ascii_domain: str
    notes: tuple[str, ...] = ()
    reviews: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Equal for all ways to write one mailbox: lower case, no +tag, domain as in the DNS.

        Where the provider reads a name without its dots they are left out.
        """
        local = self.address.rpartition("@")[0].lower()
        name, domain = local.partition("+")[0] or local, self.ascii_domain
        if domain in _DOTLESS:
            name, domain = name.replace(".", "") or name, _DOTLESS[domain]
        return f"{name}@{domain}"


def parse_email(raw: str, *, disposable: Container[str] = blocklist) -> Email:
    """The address of a cell. A line break anywhere in it is refused: it may forge a header.

    Raises EmailProblem.
    """
    if "\r" in raw or "\n" in raw or len(raw) > RAW_MAX:
        raise EmailProblem
    notes: list[str] = []
    text = raw
    found = _ADDRESS.fullmatch(text)
    if found is None or raw[0] == "'":
        text = _bare(raw, notes)
        found = _ADDRESS.fullmatch(text)
    if found is None or "xn--" in text:
        return _international(text, notes, disposable)
    local, domain = found[1], found[2].lower()
    if len(local) > LOCAL_MAX or len(text) > LENGTH_MAX:
        raise EmailProblem
    if local.lower() in ROLES:
        notes.append("role")
    reviews = ("disposable",) if _is_disposable(domain, disposable) else ()
    return Email(f"{local}@{domain}", domain, tuple(notes), reviews)


def plain_email(text: str) -> str | None:
    """The text where it is an address about which nothing is odd, and its own key; else None."""
    local, _, domain = text.partition("@")
    if len(local) > LOCAL_MAX or not _PLAIN_LOCAL.fullmatch(local) or local in ROLES:
        return None
    if domain in _DOTLESS and ("." in local or _DOTLESS[domain] != domain):
        return None
    return text if _is_plain_domain(domain) else None


@lru_cache(10_000)
def _is_plain_domain(domain: str) -> bool:
    is_short = len(domain) < LENGTH_MAX - LOCAL_MAX and "xn--" not in domain
    return (
        is_short and bool(_PLAIN_DOMAIN.fullmatch(domain)) and not _is_disposable(domain, blocklist)
    )


def _bare(raw: str, notes: list[str]) -> str:
    """The address without what address books and spreadsheets put around it."""
    text = raw if raw.isascii() else _visible(raw)
    text = text.strip().removeprefix("'")
    if text[:7].lower() == "mailto:":
        text = text[7:]
    if text[:1] == "<" and text[-1:] == ">":
        text = text[1:-1]
    text = text.strip().rstrip(".")
    if text != raw:
        notes.append("trimmed")
    return text


def _visible(raw: str) -> str:
    return "".join(" " if c.isspace() else c for c in raw if unicodedata.category(c) != "Cf")


def _international(text: str, notes: list[str], disposable: Container[str]) -> Email:
    """An address with letters beyond ASCII, or its form in the DNS."""
    if text.isascii() and "xn--" not in text:
        raise EmailProblem
    try:
        valid = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        # Not chained: the validator's message repeats the text.
        raise EmailProblem from None
    domain = valid.ascii_domain.lower()
    reviews = [code for code, holds in (
        ("homoglyph", is_homoglyph(valid.normalized)),
        ("disposable", _is_disposable(domain, disposable)),
    ) if holds]  # fmt: skip
    address = f"{valid.local_part}@{valid.domain.lower()}"
    return Email(address, domain, (*notes, "international"), tuple(reviews))


def is_homoglyph(address: str) -> bool:
    """Whether a part mixes alphabets, or passes for Latin before a Latin ending."""
    local, _, domain = address.rpartition("@")
    *names, ending = domain.lower().split(".")
    if any(len(_alphabets(part)) > 1 for part in (local, *names, ending)):
        return True
    return ending.isascii() and any(name and _CONFUSABLE.issuperset(name) for name in names)


def _alphabets(part: str) -> set[str]:
    return {unicodedata.name(c, "").partition(" ")[0] for c in part if c.isalpha()}


def _is_disposable(domain: str, disposable: Container[str]) -> bool:
    """Whether the domain or one above it is on the list of throw-away mailboxes."""
    while "." in domain:
        if domain in disposable:
            return True
        domain = domain.partition(".")[2]
    return False
