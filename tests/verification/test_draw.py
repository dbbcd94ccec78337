"""The draw: the published test vector to the byte, and what anybody may rely on."""

from __future__ import annotations

import hmac
import tracemalloc
from collections.abc import Iterator
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.leads.seal import leaf, merkle_root
from exchange.verification.draw import commitment, first, first_of_each, full_order, seed, ticket

# Ten leads; salt i is the first 16 bytes of SHA-256("salt" + i), i from 1.
VECTOR = {
    "root": "8af64b77649113e348e5e84178acebc4985d9e60183bd8aa6351e45504a46d17",
    "secret": "000000000000000000000000000000000000000000000000000000000000002a",
    "commitment": "0a28e9ffef0073f9a6a674cf57ee77307f38f0f1bebb087888d9011ed0eeefdf",
    "nonce": "seller-nonce-0001",
    "beacon": "drand:quicknet:round=1234567:deadbeef",
    "seed": "5837b8466a46520ba97349c9d1e0533c7f707fc8b87e6e2881247509880e8bee",
}
TICKETS = [
    "6cc2eaf4fc492e6b", "5ba77b99de87f1fe", "27237c7151785332", "ca886af108004849",
    "36baa8a1a6c6031a", "028dba3dbabb0e16", "84ac938c668f884b", "fe4e52b87d0b74a0",
    "98f9a20e3f91ad04", "ff1241c46a3bfdd1",
]  # fmt: skip
ORDER = [6, 3, 5, 2, 1, 7, 9, 4, 8, 10]  # leads counted from 1

SECRET = bytes.fromhex(VECTOR["secret"])
SEED = bytes.fromhex(VECTOR["seed"])


def vector_leaves() -> list[bytes]:
    return [
        leaf(
            sha256(f"salt{i}".encode()).digest()[:16],
            f"lead-{i:04}|+1555{i:07}|user{i}@example.com".encode(),
        )
        for i in range(1, 11)
    ]


def stream(count: int) -> Iterator[bytes]:
    return (sha256(i.to_bytes(4)).digest() for i in range(count))


class TestVector:
    def test_commitment_root_and_seed(self):
        assert commitment(SECRET).hex() == VECTOR["commitment"]
        root = merkle_root(vector_leaves())
        assert root.hex() == VECTOR["root"]
        found = seed(SECRET, root=root, nonce=VECTOR["nonce"], beacon=VECTOR["beacon"])
        assert found.hex() == VECTOR["seed"]

    def test_tickets(self):
        assert [ticket(SEED, leaf).hex()[:16] for leaf in vector_leaves()] == TICKETS

    def test_order(self):
        assert [place + 1 for place in full_order(SEED, vector_leaves())] == ORDER
        assert [place + 1 for place in first(SEED, vector_leaves(), n=10)] == ORDER


class TestSeed:
    def test_depends_on_every_part(self):
        root = bytes.fromhex(VECTOR["root"])
        seeds = {
            seed(secret, root=r, nonce=nonce, beacon=beacon)
            for secret in (SECRET, bytes(32))
            for r in (root, bytes(32))
            for nonce in ("", "a")
            for beacon in ("", "a")
        }
        assert len(seeds) == 16

    def test_without_nonce_and_beacon_hashes_the_empty_text(self):
        empty = sha256(b"").digest()
        wanted = hmac.digest(SECRET, bytes(32) + empty + empty, "sha256")
        assert seed(SECRET, root=bytes(32), nonce="", beacon="") == wanted

    def test_refuses_what_is_too_short(self):
        with pytest.raises(ValueError, match="at least 32 bytes"):
            commitment(bytes(31))
        with pytest.raises(ValueError, match="root has 32 bytes"):
            seed(SECRET, root=bytes(31), nonce="", beacon="")


class TestOrder:
    @given(st.lists(st.binary(min_size=32, max_size=32), max_size=60), st.binary(min_size=32))
    def test_is_ascending_tickets_and_ties_by_place(self, leaves: list[bytes], key: bytes):
        wanted = sorted(range(len(leaves)), key=lambda place: (ticket(key, leaves[place]), place))
        assert list(full_order(key, leaves)) == wanted

    @given(
        st.lists(st.sampled_from([bytes([b]) * 32 for b in range(20)]), max_size=60),
        st.integers(0, 70),
    )
    def test_the_first_n_are_a_prefix_of_the_whole_order(self, leaves: list[bytes], n: int):
        assert first(SEED, leaves, n=n) == list(full_order(SEED, leaves))[:n]

    def test_equal_leaves_are_drawn_in_their_order(self):
        assert first(SEED, [b"a" * 32] * 5, n=3) == [0, 1, 2]

    def test_a_changed_leaf_moves_only_itself(self):
        leaves = list(stream(50))
        before = [place for place in full_order(SEED, leaves) if place != 7]
        leaves[7] = bytes(32)
        assert [place for place in full_order(SEED, leaves) if place != 7] == before

    def test_the_first_n_of_many_remember_only_n_tickets(self):
        first(SEED, stream(10), n=5)
        tracemalloc.start()
        try:
            drawn = first(SEED, stream(20_000), n=100)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert drawn == list(full_order(SEED, stream(20_000)))[:100]
        assert peak < 100_000  # 20,000 tickets would take 1,280,000 bytes

    def test_every_place_is_drawn_about_equally_often(self):
        leaves = list(stream(20))
        counts = [0] * 20
        for round_ in range(2_000):
            for place in first(round_.to_bytes(32), leaves, n=5):
                counts[place] += 1
        # 500 expected of each, standard deviation 19: five of them would be an accident.
        assert all(abs(count - 500) < 97 for count in counts)


class TestSources:
    LEAVES = st.lists(
        st.tuples(st.binary(min_size=32, max_size=32), st.integers(0, 3)), max_size=50
    )

    @given(LEAVES, st.integers(0, 60), st.dictionaries(st.integers(0, 4), st.integers(0, 20)))
    def test_each_gets_the_head_of_its_part_of_the_one_order(
        self, lot: list[tuple[bytes, int]], n: int, wanted: dict[int, int]
    ):
        leaves, sources = [leaf for leaf, _ in lot], [source for _, source in lot]
        order = list(full_order(SEED, leaves))
        drawn = first_of_each(SEED, iter(leaves), sources=iter(sources), n=n, wanted=wanted)
        assert drawn.core == order[:n]
        assert drawn.of_source.keys() == wanted.keys()
        for source, places in drawn.of_source.items():
            own = [place for place in order if sources[place] == source]
            assert places == own[: wanted[source]]

    @pytest.mark.parametrize("count", [9, 11])
    def test_every_leaf_has_one_source(self, count: int):
        with pytest.raises(ValueError, match="zip"):
            first_of_each(SEED, stream(10), sources=[0] * count, n=3, wanted={0: 2})

    def test_remembers_the_wanted_tickets_only(self):
        lot = {"sources": [0] * 20_000, "n": 50, "wanted": {0: 12, 1: 12}}
        tracemalloc.start()
        try:
            drawn = first_of_each(SEED, stream(20_000), **lot)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert (drawn.of_source[0], drawn.of_source[1]) == (drawn.core[:12], [])
        assert peak < 100_000
