"""What the tests of the buyer's pages share: planted people, purchases through the doors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from itertools import count
from urllib.parse import unquote

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from exchange.core.db import db
from exchange.leads.models import Lead
from exchange.market.models import Listing
from exchange.market.queries import get_batch_of
from tests.factories.leads import leads_of

PRICE = 45_00
COUNT = 12
# Names, numbers and addresses that stand nowhere else in the program.
PEOPLE = [
    {
        "name": f"Zebulon{chr(97 + n)} Quarrington{chr(97 + n)}",
        "phone": f"+1614{2_557_301 + n * 11}",
        "email": f"zq.planted{n}@quarrington{n}.example",
        "street": f"{n + 1} Wistaria Lane",
        "comment": f"@SUM(1) ask for Quarrington{chr(97 + n)}",
    }
    for n in range(COUNT)
]
_keys = count(1)


def key() -> str:
    """A token as a page prints it into its form, new each time."""
    return f"form-{next(_keys)}"


def text_of(answer: TestResponse, status: int = 200) -> str:
    """The page, after its status was looked at."""
    body = answer.get_data(as_text=True)
    assert answer.status_code == status, (answer.status_code, body[-2_000:])
    return body


def words_of(answer: TestResponse, status: int = 200) -> str:
    """The words of a page as they are read: no tags, single spaces."""
    body = re.sub(
        r"<(script|style|template)\b.*?</\1>", " ", text_of(answer, status), flags=re.DOTALL
    )
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split()).replace("\u00a0", " ")


def leads_of_listing(listing: Listing) -> Sequence[Lead]:
    """The leads of the lot on sale, in the order of its rows: the freshest first."""
    return leads_of(get_batch_of(listing))


def keep() -> None:
    """Commit what the test has prepared: a door that refuses rolls back what is not."""
    db.session.commit()


def place(client: FlaskClient, listing: Listing, **form: object) -> TestResponse:
    """Send the form that the page of the purchase shows."""
    keep()
    sent = {"terms_version": listing.terms_version, "idempotency_key": key(), **form}
    return client.post(f"/buyers/listings/{listing.public_id}/orders", data=sent)


def bought(client: FlaskClient, listing: Listing, quantity: int = 3) -> str:
    """The address of a new order."""
    answer = place(client, listing, quantity=quantity)
    text_of(answer, 303)
    return str(answer.headers["Location"])


def lines_on(page: str) -> list[str]:
    """The bought leads that a page links to, the freshest first: pages begin with the last line."""
    return list(dict.fromkeys(re.findall(r"/buyers/leads/(line_\w+)", page)))[::-1]


def traces_of(person: dict[str, str], text: str) -> list[str]:
    """What of a person can be read in a text, however it is written."""
    seen = " ".join((text, unescape(text), unquote(text))).casefold()
    digits = person["phone"].lstrip("+")
    national = digits.removeprefix("1")
    area, middle, last = national[:3], national[3:6], national[6:]
    written = [
        digits,
        national,
        f"({area}) {middle}-{last}",
        f"{area}-{middle}-{last}",
        f"{area} {middle} {last}",
        f"{area}.{middle}.{last}",
        national[::-1],
        person["email"],
        person["email"].partition("@")[0],
        person["email"].partition("@")[2],
        *person["name"].split(),
        person["street"],
    ]
    packed = re.sub(r"[\s().-]", "", seen)
    return [
        word for word in written if word.casefold() in seen or (word == national and word in packed)
    ]
