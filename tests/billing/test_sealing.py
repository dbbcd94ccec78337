from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from sqlalchemy import text

from exchange.billing import accounts, chain, queries
from exchange.billing.models import Account, ChainLink, ChainTail, Posting
from exchange.billing.services import sealing
from exchange.core import clock
from exchange.core.db import db
from exchange.core.errors import NotFound
from tests.billing.books import EUR, Deal, commit, fund, undone
from tests.cast import Cast


@pytest.fixture
def sealed(cast: Cast) -> Cast:
    """A few sales of two sellers to two buyers, sealed in three steps."""
    for buyer in (cast.buyer, cast.other_buyer):
        fund(buyer, 30_000)
    sealing.seal_pending()
    Deal(cast.buyer, cast.seller).deliver().settle()
    Deal(cast.other_buyer, cast.other_seller).deliver()
    sealing.seal_pending()
    Deal(cast.buyer, cast.other_seller).deliver().settle().refund(settled=True)
    sealing.seal_pending()
    commit()
    return cast


def faults() -> list[str]:
    return queries.verify_chain().faults


class TestSealing:
    def test_every_posting_has_its_link_and_the_chain_holds(self, sealed: Cast) -> None:
        report = queries.verify_chain()
        assert report.faults == []
        assert report.links == db.session.query(Posting).count() == 12
        assert report.waiting == 0
        assert report.head == queries.head().hash

    def test_nothing_is_sealed_twice(self, sealed: Cast) -> None:
        assert sealing.seal_pending() == 0
        assert sealing.seal_pending(everywhere=True) == 0

    def test_a_posting_from_before_the_window_is_found_by_the_full_search(
        self, sealed: Cast
    ) -> None:
        write_posting(UUID("00000000-0000-7000-8000-000000000001"))
        assert sealing.seal_pending() == 0
        assert sealing.seal_pending(everywhere=True) == 1
        assert faults() == []

    def test_a_step_is_limited_and_the_next_one_goes_on(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sealing, "LINKS_PER_STEP", 3)
        for _ in range(5):
            fund(cast.buyer, 100)
        assert [sealing.seal_pending() for _ in range(3)] == [3, 2, 0]
        assert faults() == []

    def test_the_scheduler_seals(self, cast: Cast, sweep: Callable[[str], None]) -> None:
        fund(cast.buyer, 100)
        commit()
        sweep("billing.seal")
        assert queries.head().seq == 1
        sweep("billing.seal_everything")
        assert queries.head().seq == 1


class TestVerify:
    """Whatever somebody with all rights changes in the books is found and named."""

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE transfer SET amount = amount + 1 WHERE posting_id = :id",
            (
                "UPDATE transfer SET source_id = target_id, target_id = source_id"
                " WHERE posting_id = :id"
            ),
            "UPDATE posting SET reason = 'correction' WHERE id = :id",
            "UPDATE posting SET key = key || 'x' WHERE id = :id",
            "UPDATE posting SET subject_id = gen_random_uuid() WHERE id = :id",
            "UPDATE posting SET occurred_at = occurred_at + interval '1 microsecond' WHERE id = :id",
            "UPDATE posting SET created_at = created_at - interval '1 day' WHERE id = :id",
            "DELETE FROM transfer WHERE posting_id = :id",
            (
                "INSERT INTO transfer SELECT posting_id, 9 + position, source_id, target_id, amount"
                " FROM transfer WHERE posting_id = :id"
            ),
            "UPDATE chain_link SET hash = decode(repeat('00', 32), 'hex') WHERE posting_id = :id",
            "UPDATE chain_link SET organizations = '{}' WHERE posting_id = :id",
            "DELETE FROM chain_link WHERE posting_id = :id",
        ],
    )
    def test_an_altered_row_is_found(self, sealed: Cast, statement: str) -> None:
        with tampering():
            db.session.execute(text(statement), {"id": posting_id(5)})
            found = faults()
        assert found
        assert any(fault.startswith(("link 5", "link 6")) for fault in found)

    def test_an_account_given_to_somebody_else_is_found(self, sealed: Cast) -> None:
        with tampering():
            db.session.execute(
                text("UPDATE account SET organization_id = :to WHERE organization_id = :of"),
                {"to": sealed.newcomer.organization.id, "of": sealed.buyer.organization.id},
            )
            assert faults()

    def test_a_posting_taken_out_with_its_link_is_found(self, sealed: Cast) -> None:
        gone = posting_id(7)
        with tampering():
            for table in ("transfer", "chain_link"):
                db.session.execute(
                    text(f"DELETE FROM {table} WHERE posting_id = :id"), {"id": gone}
                )
            db.session.execute(text("DELETE FROM posting WHERE id = :id"), {"id": gone})
            assert any("link 7 is missing" in fault for fault in faults())

    def test_a_missing_posting_is_found(self, sealed: Cast) -> None:
        gone = posting_id(7)
        with tampering():
            db.session.execute(text("DELETE FROM transfer WHERE posting_id = :id"), {"id": gone})
            db.session.execute(text("DELETE FROM posting WHERE id = :id"), {"id": gone})
            assert any("its posting is missing" in fault for fault in faults())

    def test_the_last_link_taken_away_changes_the_head(self, sealed: Cast) -> None:
        known = queries.head()
        with tampering():
            db.session.execute(text("DELETE FROM chain_link WHERE seq = :s"), {"s": known.seq})
            assert queries.head().hash != known.hash

    def test_one_altered_posting_is_one_fault_and_not_one_for_all_that_follow(
        self, sealed: Cast
    ) -> None:
        with tampering():
            db.session.execute(
                text("UPDATE posting SET reason = 'correction' WHERE id = :id"),
                {"id": posting_id(2)},
            )
            assert len(faults()) == 1

    def test_what_waits_is_counted_and_after_a_minute_a_fault(self, sealed: Cast) -> None:
        fund(sealed.buyer, 100)
        report = queries.verify_chain()
        assert (report.waiting, report.faults) == (1, [])
        clock.advance(timedelta(seconds=61))
        assert "wait for their seal" in faults()[0]


class TestProof:
    def test_an_organization_can_compute_each_of_its_links_again(self, sealed: Cast) -> None:
        proof = queries.proof(sealed.buyer.organization.id, limit=100)
        for link in proof.items:
            body = json.dumps(
                link.document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
            )
            assert sha256(link.previous + body.encode()).digest() == link.hash
            assert link.hash == queries.head(link.seq).hash

    def test_its_links_name_each_other_so_that_none_is_missing(self, sealed: Cast) -> None:
        owner = sealed.buyer.organization.id
        pages, cursor = [], None
        while True:
            page = queries.proof(owner, cursor=cursor, limit=2)
            pages += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        before = [link.document["organizations"][str(owner)] for link in pages]
        assert before == [*[link.seq for link in pages[1:]], 0]
        own = [e for e in queries.whole_journal() if owner in e.organizations]
        assert len(pages) == len(own)

    def test_it_shows_nothing_of_others(self, sealed: Cast) -> None:
        stranger = str(sealed.other_buyer.organization.id)
        proof = queries.proof(sealed.buyer.organization.id, limit=100)
        assert not any(stranger in str(link.document) for link in proof.items)

    def test_a_tail_that_was_tampered_with_proves_nothing(self, sealed: Cast) -> None:
        owner = sealed.buyer.organization.id
        db.session.get_one(ChainTail, owner).seq = 1
        Deal(sealed.buyer, sealed.seller).hold()
        sealing.seal_pending()
        assert any("not those it names" in fault for fault in faults())

    @pytest.mark.parametrize("cursor", ["0", "999", "x", "-1", "²", "1e3", "9" * 40])
    def test_a_cursor_of_nobody_is_not_found(self, sealed: Cast, cursor: str) -> None:
        with pytest.raises(NotFound):
            queries.proof(sealed.buyer.organization.id, cursor=cursor)

    def test_a_link_of_somebody_else_is_not_found(self, sealed: Cast) -> None:
        theirs = queries.proof(sealed.other_buyer.organization.id).items[0]
        with pytest.raises(NotFound):
            queries.proof(sealed.buyer.organization.id, cursor=str(theirs.seq))

    def test_whoever_has_no_money_has_no_links(self, sealed: Cast) -> None:
        assert queries.proof(sealed.newcomer.organization.id).items == []


class TestHead:
    def test_before_the_first_link_it_is_the_genesis(self, cast: Cast) -> None:
        assert (queries.head().seq, queries.head().hash) == (0, chain.GENESIS)

    def test_a_number_that_was_not_reached_is_not_found(self, cast: Cast) -> None:
        with pytest.raises(NotFound):
            queries.head(1)


def test_the_canonical_form_is_what_is_written_in_the_book() -> None:
    link = {"seq": 1, "organizations": {"b": 0, "a": 2}, "posting": {"key": "Überweisung"}}
    assert chain.canonical(link) == (
        '{"organizations":{"a":2,"b":0},"posting":{"key":"Überweisung"},"seq":1}'.encode()
    )


@contextmanager
def tampering() -> Iterator[None]:
    """Work as somebody with all rights who has switched the guards off; forgotten afterwards."""
    with undone():
        db.session.execute(text("SET ROLE NONE"))
        db.session.execute(text("SET session_replication_role = replica"))
        yield


def posting_id(seq: int) -> UUID:
    return db.session.get_one(ChainLink, seq).posting_id


def write_posting(number: UUID) -> None:
    """A posting under an id of our choice, between two accounts of the house."""
    for ref in (accounts.commission(EUR), accounts.cash(EUR)):
        assert db.session.get(Account, ref.id)
    db.session.execute(
        text(
            "INSERT INTO posting SELECT :id, 'by hand', 'correction', 'test', :id,"
            " created_at, created_at FROM posting LIMIT 1"
        ),
        {"id": number},
    )
    db.session.execute(
        text("INSERT INTO transfer VALUES (:id, 0, :source, :target, 1)"),
        {"id": number, "source": accounts.commission(EUR).id, "target": accounts.cash(EUR).id},
    )
