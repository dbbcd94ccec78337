"""The next call on the screen: a verifier who submits and sees the next one, over loopback.

A server of the house's own, two processes, and a client that sends the form and follows to the next
page as a browser without scripts does. The figure is the whole of it, from the submit to the last
byte of the next page; the answer to the submit alone stands beside it.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

import requests

from bench.harness import Bench, median, p95
from bench.sampling.stage import Stage, stage
from exchange.core.db import db
from tests.cast import PASSWORD
from tests.servers import house
from tests.verification.support import make_sample

LOTS: Final = 8
WARM, SUBMITS = 10, 120
GOAL: Final = 300.0  # ms


@dataclass(frozen=True, slots=True)
class Submit:
    """One submit, in milliseconds: until it was answered, and until the next call was there."""

    answered: float
    shown: float


def run(bench: Bench) -> None:
    """Submit one call after the other."""
    with stage() as ours:
        for number in range(LOTS):
            make_sample(ours.cast.seller, nonce=f"bench {number}")
        db.session.commit()
        with house.web(ours.settings) as web:
            taken = _work(ours, web.url)[WARM:]
    answered = [one.answered for one in taken]
    print(f"# submit answered: p50 {median(answered):.0f} ms, p95 {p95(answered):.0f} ms")
    bench.figure("next_task_p95", p95([one.shown for one in taken]), "ms", goal=("<=", GOAL))


def _work(ours: Stage, url: str) -> list[Submit]:
    user = requests.Session()
    form = {"email": ours.cast.verifier.user.email, "password": PASSWORD}
    _send(user, f"{url}/sign-in", form, page=user.get(f"{url}/sign-in", timeout=30).text)
    start = user.get(f"{url}/verification", timeout=30).text
    shown = _follow(user, _send(user, f"{url}/verification/next", {}, page=start), url)
    taken = []
    for _ in range(WARM + SUBMITS):
        submit, shown = _submit(user, shown, url)
        taken.append(submit)
    return taken


def _submit(
    user: requests.Session, page: requests.Response, url: str
) -> tuple[Submit, requests.Response]:
    """Report that all is right; gives the page of the next call."""
    form = {"lease_number": _value(page.text, "lease_number"), "outcome": "confirmed", "sure": "1"}
    began = time.perf_counter()
    answer = _send(user, f"{page.url.split('?')[0]}/verdict", form, page=page.text)
    answered = time.perf_counter()
    following = _follow(user, answer, url)
    shown = time.perf_counter()
    assert following.url != page.url, "no next call"
    return Submit((answered - began) * 1_000, (shown - began) * 1_000), following


def _send(
    user: requests.Session, address: str, form: dict[str, str], *, page: str
) -> requests.Response:
    """Send a form with its page's token; not followed yet."""
    token = {"csrf_token": _value(page, "csrf_token")}
    answer = user.post(address, data={**form, **token}, timeout=30, allow_redirects=False)
    assert answer.status_code == 303, f"{address}: {answer.status_code}"
    return answer


def _follow(user: requests.Session, answer: requests.Response, url: str) -> requests.Response:
    following = user.get(urljoin(url, answer.headers["Location"]), timeout=30)
    assert following.ok, f"{following.url}: {following.status_code}"
    return following


def _value(page: str, name: str) -> str:
    """What a hidden field of the page holds."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found, f"the page has no {name}"
    return found[1]
