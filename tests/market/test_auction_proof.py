"""Proofs of auctions: they agree, and whatever is altered, left out or added is named."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from datetime import timedelta

import pytest
from click.testing import CliRunner

from exchange.cli import auction as command
from exchange.core import clock
from exchange.core.db import db
from exchange.market import queries
from exchange.market.auction_proof import (
    FORMAT,
    Entry,
    EntryKind,
    commit,
    commit_facts,
    genesis,
    link,
    verify,
)
from exchange.market.auctioning import OpenBid
from exchange.market.services import bids
from tests.factories.auctions import bid, close, make_auction
from tests.factories.billing import fund_wallet
from tests.factories.market import make_listing
from tests.market.test_auctions import PRICE, WALLET

TERMS = {
    "auction": "auc_1",
    "opens_at": "2026-05-01T10:00:00.000000Z",
    "closes_at": "2026-05-01T11:00:00.000000Z",
    "currency": "USD",
    "floor": PRICE,
    "units": 5,
    "rule": "pay your bid",
}
# What arrives: the bidder, then amount and units, or nothing for a withdrawal.
ARRIVALS = (
    ("a", 50_00, 3), ("b", 70_00, 2), ("a", 60_00, 4), ("b", None, None), ("b", 55_00, 5),
)  # fmt: skip
FIELDS = ("amount", "units", "nonce")
ENTRY_FIELDS = ("kind", "bidder", "at", "commitment", "link")


@pytest.fixture
def auction(cast):
    for buyer in (cast.buyer, cast.other_buyer):
        fund_wallet(buyer, WALLET)
    return make_auction(cast.seller, make_listing(cast.seller, leads=6, price=PRICE), units=5)


@pytest.fixture
def told(cast, auction):
    """The same arrivals as in `proof`, through the verbs."""
    bid(cast.buyer, auction, 50_00, units=3)
    other = bid(cast.other_buyer, auction, 70_00, units=2)
    bid(cast.buyer, auction, 60_00, units=4)
    bids.withdraw(bid_id=other.id, actor=cast.other_buyer.actor)
    bid(cast.other_buyer, auction, 55_00, units=5)
    close(auction)
    return json.loads(json.dumps(queries.auction_proof(auction)))


@pytest.fixture
def proof():
    """Five arrivals (a bid, another, a change, a withdrawal, a return) and the close, by hand."""
    facts = {"offered": 5, "limits": {}}
    entries, openings, head = [], [], genesis(TERMS)
    for place, (bidder, amount, units) in enumerate(ARRIVALS, start=1):
        nonce, at = f"{place:064x}", f"2026-05-01T10:0{place}:00.000000Z"
        kind = EntryKind.BID if amount else EntryKind.WITHDRAWAL
        made = OpenBid(place, bidder, amount or 0, units or 0)
        commitment = commit("auc_1", made, nonce=nonce) if amount else ""
        entries.append(Entry(place, kind, bidder, at, commitment, ""))
        if place in {3, 5}:
            openings.append({"sequence": place, "amount": amount, "units": units, "nonce": nonce})
    entries.append(Entry(6, EntryKind.CLOSE, "", TERMS["closes_at"], commit_facts(facts), ""))
    chain = []
    for entry in entries:
        head = link(head, entry)
        chain.append({**asdict(entry), "link": head})
    won = [
        {"sequence": 3, "bidder": "a", "units": 4, "price": 60_00},
        {"sequence": 5, "bidder": "b", "units": 1, "price": 55_00},
    ]
    made = {
        "format": FORMAT, "terms": TERMS, "entries": chain, "facts": facts, "openings": openings,
        "result": {"status": "awarded", "allocations": won},
    }  # fmt: skip
    return json.loads(json.dumps(made))


def altered(value):
    if isinstance(value, int):
        return value + 1
    if value in {"bid", "withdrawal"}:
        return "withdrawal" if value == "bid" else "bid"
    if value[:4].isdigit() and "T" in value:
        return value.replace("Z", "+00:00") if value.endswith("Z") else value
    return ("0" if value[:1] != "0" else "1") + value[1:]


def test_it_agrees(proof):
    assert verify(proof) == []


def test_the_verbs_write_one_that_agrees(told):
    assert verify(told) == []
    won = [(one["sequence"], one["units"], one["price"]) for one in told["result"]["allocations"]]
    assert won == [(3, 4, 60_00), (5, 1, 55_00)]


def test_replaced_and_withdrawn_bids_stay_sealed(told):
    assert [one["sequence"] for one in told["openings"]] == [3, 5]


def test_it_tells_nobody_by_name(cast, told):
    written = json.dumps(told)
    for player in (cast.buyer, cast.other_buyer):
        organization = player.organization
        for name in (organization.name, organization.trade_name, organization.public_id):
            assert name not in written
        assert str(organization.id) not in written


def test_before_the_close_it_holds_the_chain_alone(cast, auction):
    bid(cast.buyer, auction, 50_00, units=3)
    early = queries.auction_proof(auction)
    assert (len(early["entries"]), early["openings"], early["result"]) == (1, [], None)
    assert verify(early) == []


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("place", [0, 1])
def test_an_altered_opening_is_named(proof, field, place):
    forged = copy.deepcopy(proof)
    one = forged["openings"][place]
    one[field] = altered(one[field])
    problems = verify(forged)
    assert f"bid {one['sequence']} was altered: it is not what was committed to" in problems


@pytest.mark.parametrize("field", ENTRY_FIELDS)
@pytest.mark.parametrize("place", range(5))
def test_an_altered_arrival_is_named(proof, field, place):
    forged = copy.deepcopy(proof)
    one = forged["entries"][place]
    one[field] = altered(one[field])
    assert any(f" {place + 1} " in found for found in verify(forged)), verify(forged)


@pytest.mark.parametrize("place", range(6))
def test_a_missing_arrival_is_named(proof, place):
    forged = copy.deepcopy(proof)
    del forged["entries"][place]
    assert verify(forged) != []
    if place < 5:
        assert any(f"entry {place + 1} is missing" in found for found in verify(forged))


@pytest.mark.parametrize("place", [0, 1])
def test_a_missing_opening_is_named(proof, place):
    forged = copy.deepcopy(proof)
    gone = forged["openings"].pop(place)
    assert f"bid {gone['sequence']} is missing among the opened bids" in verify(forged)


@pytest.mark.parametrize("sequence", [1, 2, 3, 9])
def test_an_added_opening_is_named(proof, sequence):
    forged = copy.deepcopy(proof)
    forged["openings"].append({**forged["openings"][0], "sequence": sequence})
    assert any(found.startswith(f"bid {sequence} was added") for found in verify(forged))


@pytest.mark.parametrize("field", ["sequence", "bidder", "units", "price"])
def test_an_altered_result_is_named(proof, field):
    forged = copy.deepcopy(proof)
    one = forged["result"]["allocations"][0]
    one[field] = altered(one[field])
    assert any("won 4 leads at 6000" in found for found in verify(forged))


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", "void"), ("allocations", []), ("allocations", [1]), ("allocations", None)],
)
def test_another_result_is_refused(proof, name, value):
    proof["result"][name] = value
    assert verify(proof) != []


@pytest.mark.parametrize("name", ["auction", "opens_at", "closes_at", "currency", "floor", "units"])
def test_altered_terms_are_named(proof, name):
    value = proof["terms"][name]
    moved = value.replace("20", "19", 1) if isinstance(value, str) else value + 1
    proof["terms"][name] = moved if moved != value else "EUR"
    assert any("altered" in found for found in verify(proof))


def test_altered_facts_of_the_close_are_named(proof):
    proof["facts"]["offered"] = 4
    assert any("facts of the close were altered" in found for found in verify(proof))


def test_a_whole_new_chain_is_found_by_whoever_saw_a_link(proof):
    """A chain that was made anew agrees with itself: the links that people noted tell it."""
    noted = {2: proof["entries"][1]["link"]}
    assert verify(proof, seen=noted) == []
    forged = copy.deepcopy(proof)
    forged["entries"][1]["link"] = "0" * 64
    assert any("seen while the auction ran" in found for found in verify(forged, seen=noted))
    assert any("is missing" in found for found in verify(proof, seen={99: "x"}))


@pytest.mark.parametrize(
    "text", ["{}", '{"format": "other"}', '{"format": "exchange.auction/1", "terms": 1}']
)
def test_what_is_no_proof_is_refused(text):
    (problem,) = verify(json.loads(text))
    assert problem.startswith("this is no proof of an auction")


def test_a_bid_of_the_closing_second_is_judged_by_its_own_time(proof):
    late = copy.deepcopy(proof)
    late["entries"][4]["at"] = late["terms"]["closes_at"]
    assert "bid 5 arrived while the auction was not open" in verify(late)


class TestCommand:
    def run(self, *arguments):
        return CliRunner().invoke(command.auction, ["verify", *map(str, arguments)])

    def test_a_file_that_agrees(self, proof, tmp_path):
        path = tmp_path / "proof.json"
        path.write_text(json.dumps(proof))
        done = self.run(path, "--seen", f"1:{proof['entries'][0]['link']}")
        assert (done.exit_code, "everything agrees" in done.output) == (0, True)

    def test_a_forged_file_is_refused_and_the_bid_named(self, proof, tmp_path):
        proof["openings"][0]["amount"] += 1
        path = tmp_path / "proof.json"
        path.write_text(json.dumps(proof))
        done = self.run(path, "--json")
        assert done.exit_code == 1
        assert "bid 3 was altered" in done.output

    def test_what_cannot_be_read(self, tmp_path):
        path = tmp_path / "proof.json"
        assert self.run(path).exit_code == 1
        path.write_text("no json")
        assert self.run(path).exit_code == 1
        path.write_text("[]")
        assert self.run(path).exit_code == 1
        path.write_text("{}")
        assert self.run(path, "--seen", "x").exit_code == 2


def test_times_are_of_the_exchange(cast, auction):
    """An arrival carries the clock that decided it, which a sandbox may have moved."""
    clock.advance(timedelta(minutes=30))
    bid(cast.buyer, auction, 50_00)
    db.session.expire_all()
    (entry,) = queries.entries(auction.id)
    assert entry.at > queries.auction_proof(auction)["terms"]["opens_at"]
