"""The next call on the screen: a verifier who submits and sees the next one, over loopback.

A server of the house's own, two processes, and a client that sends the form. Without scripts it
follows the answer to the next page; with them the answer is the next call itself. The figure is the
whole of it each time, from the submit to the last byte of the next call, though the goal begins
with the answer to the submit.
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

LOTS: Final = 12
WARM, SUBMITS = 10, 100
GOAL: Final = 300.0  # ms
SCRIPTS: Final = {"HX-Request": "true"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A call on the screen."""

    address: str
    text: str

    def value(self, name: str) -> str:
        """What a hidden field of the page holds."""
        found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', self.text)
        assert found, f"{self.address} has no {name}"
        return found[1]


def run(bench: Bench) -> None:
    """Submit one call after the other, without scripts and with them."""
    with stage() as ours:
        for number in range(LOTS):
            make_sample(ours.cast.seller, nonce=f"bench {number}")
        db.session.commit()
        with house.web(ours.settings) as web:
            user, call = _begin(ours, web.url)
            pages, call = _work(user, call, headers={})
            answers, _ = _work(user, call, headers=SCRIPTS)
    for name, taken in (("without", pages), ("with", answers)):
        print(f"# {name} scripts: p50 {median(taken):.0f} ms, p95 {p95(taken):.0f} ms")
    bench.figure("next_task_p95", p95(pages), "ms", goal=("<=", GOAL))
    bench.figure("next_task_with_scripts_p95", p95(answers), "ms", goal=("<=", GOAL))


def _begin(ours: Stage, url: str) -> tuple[requests.Session, Shown]:
    """Sign in and take the first call."""
    user = requests.Session()
    door = _page(user, f"{url}/sign-in")
    form = {"email": ours.cast.verifier.user.email, "password": PASSWORD}
    _send(user, f"{url}/sign-in", form, page=door, headers={})
    start = _page(user, f"{url}/verification")
    return user, _send(user, f"{url}/verification/next", {}, page=start, headers={})


def _work(
    user: requests.Session, call: Shown, *, headers: dict[str, str]
) -> tuple[list[float], Shown]:
    """Milliseconds of each submit until the next call is there, and the call that is there last."""
    taken = []
    for _ in range(WARM + SUBMITS):
        form = {"lease_number": call.value("lease_number"), "outcome": "confirmed", "sure": "1"}
        began = time.perf_counter()
        following = _send(user, f"{call.address}/verdict", form, page=call, headers=headers)
        taken.append((time.perf_counter() - began) * 1_000)
        assert following.address != call.address, "no next call"
        call = following
    return taken[WARM:], call


def _send(
    user: requests.Session,
    address: str,
    form: dict[str, str],
    *,
    page: Shown,
    headers: dict[str, str],
) -> Shown:
    """Send a form with its page's token; gives the page that it leads to."""
    data = {**form, "csrf_token": page.value("csrf_token")}
    answer = user.post(address, data=data, headers=headers, timeout=30, allow_redirects=False)
    if answer.status_code == 303:
        return _page(user, urljoin(address, answer.headers["Location"]))
    assert answer.ok, f"{address}: {answer.status_code}"
    return Shown(urljoin(address, answer.headers["HX-Push-Url"]), answer.text)


def _page(user: requests.Session, address: str) -> Shown:
    answer = user.get(address, timeout=30)
    assert answer.ok, f"{address}: {answer.status_code}"
    return Shown(answer.url.partition("?")[0], answer.text)
