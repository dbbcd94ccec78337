"""The hosted pages as HTML: plain, without scripts, every value escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from stripe_sandbox.messages import Json, Response
from stripe_sandbox.words import Words

_ZERO_DECIMAL = {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "xpf"}

_STYLE = """
:root { color-scheme: light dark; font: 1.125rem/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 30rem; margin: 0 auto; padding: 1.5rem 1rem; }
.note { border: 2px solid; border-radius: .5rem; padding: .75rem 1rem; }
dl { display: grid; grid-template-columns: 1fr auto; gap: .5rem 1rem; }
dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; }
.total { font-weight: bold; border-top: 1px solid; padding-top: .5rem; }
button, a.button { display: block; box-sizing: border-box; width: 100%; min-height: 3rem;
  margin-top: .75rem; padding: .5rem 1rem; font: inherit; text-align: center; cursor: pointer;
  border: 2px solid; border-radius: .5rem; background: none; color: inherit;
  text-decoration: none; line-height: 1.75rem; }
button.button-0 { background: #0a4b8f; color: #fff; font-weight: bold; }
:focus-visible { outline: 3px solid #d97706; outline-offset: 2px; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def price(amount: int, currency: str) -> str:
    """`1,250.00 EUR`, from the minor unit."""
    code = currency.upper()
    if currency in _ZERO_DECIMAL:
        return f"{amount:,} {code}"
    return f"{amount // 100:,}.{amount % 100:02d} {code}"


def page(words: Words, title: str, *, parts: Iterable[str], status: int = 200) -> Response:
    """A whole page; `parts` are HTML already."""
    body = (
        f'<!doctype html>\n<html lang="{words["lang"]}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n"
        f'<p class="note" role="note">{escape(words["test"])}</p>\n'
        f"{chr(10).join(parts)}\n</main>\n</body>\n</html>\n"
    )
    return Response(status, body.encode(), _HEADERS)


def redirect(url: str) -> Response:
    """A 303; letters that a header cannot carry are percent-encoded."""
    location = quote(url, safe="%/:?#[]@!$&'()*+,;=~")
    return Response(303, b"", {"Location": location, "Cache-Control": "no-store"})


def paragraph(text: str, *, role: str = "") -> str:
    attribute = f' role="{role}"' if role else ""
    return f"<p{attribute}>{escape(text)}</p>"


def link(text: str, url: str | None) -> str:
    return "" if url is None else f'<a class="button" href="{escape(url)}">{escape(text)}</a>'


def form(buttons: Iterable[tuple[str, str]]) -> str:
    """One form with a button for each (value, text); the first is the main one. Posts to itself."""
    drawn = [
        f'<button name="action" value="{value}" class="button-{place}">{escape(text)}</button>'
        for place, (value, text) in enumerate(buttons)
    ]
    return f'<form method="post">\n{chr(10).join(drawn)}\n</form>'


def bill(session: Json, words: Words) -> str:
    """The line items and their total."""
    rows = [
        f"<dt>{escape(item['description'])} × {item['quantity']}</dt>"
        f"<dd>{price(item['amount_total'], item['currency'])}</dd>"
        for item in session["_line_items"]["data"]
    ]
    total = price(session["amount_total"], session["currency"])
    rows.append(f'<dt class="total">{escape(words["total"])}</dt><dd class="total">{total}</dd>')
    return f"<dl>\n{chr(10).join(rows)}\n</dl>"
