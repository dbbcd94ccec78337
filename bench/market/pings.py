"""How soon a ping is answered: 100 pings a second from ten sellers, 10,000 active contracts.

Over HTTP, with the web server as an instance runs it (two processes of twelve threads) and the
database beside it on the same machine; the load comes from a process of its own in an open loop,
and the time of an answer is counted from the moment at which its ping was due. One ping in twenty
is of somebody who is known. Every ping is kept, with its bids, before it is answered.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain

import psycopg

from bench.harness import Bench
from bench.market import load, trade
from bench.sampling.stage import stage
from exchange.core.db import db
from tests.servers import house

CONTRACTS, BUYERS, SELLERS = 10_000, 200, 10
PER_SECOND = 100
WARM, MEASURED = 6, 30  # seconds
GOAL = 50.0  # ms


def measure(bench: Bench) -> None:
    """State the load, print the percentiles and keep the figure."""
    with stage() as ours:
        made = trade.make_trade(contracts=CONTRACTS, buyers=BUYERS, sellers=SELLERS)
        streams = [
            trade.pings(made, seller, per_second=PER_SECOND / SELLERS) for seller in made.sellers
        ]
        db.session.remove()  # nothing is held open meanwhile
        with house.web(ours.settings) as server:
            load.drive(server.url, streams, seconds=WARM)
            found = load.drive(server.url, streams, seconds=MEASURED)
        said = _said(ours.owner)
    shots = list(chain.from_iterable(found.values()))
    print(
        f"# pings: {len(shots) / MEASURED:.0f}/s for {MEASURED} s, {CONTRACTS} contracts of"
        f" {BUYERS} buyers, {SELLERS} sellers; {load.statuses(shots)}; {said}"
    )
    p50, p95, p99 = (load.percentile(shots, share) for share in (50, 95, 99))
    print(
        f"# pings: p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms;"
        f" sent late p99 {load.lateness(shots):.1f} ms"
    )
    assert all(shot.status == 200 for shot in shots), "a ping was not answered"
    bench.figure("ping_p99", p99, "ms", goal=("<=", GOAL))


def _said(owner: str) -> str:
    """What became of the pings, so that nobody measures refusals."""
    with psycopg.connect(owner) as connection:
        rows = connection.execute("SELECT status, count(*) FROM ping GROUP BY 1").fetchall()
    counted = Counter(dict(rows))
    return ", ".join(f"{count} {status}" for status, count in counted.most_common())
