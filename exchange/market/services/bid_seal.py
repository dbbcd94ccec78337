"""Sealing bids: locked on arrival, opened by the close alone (decision 24).

The key is made from the master key and the auction and is stored nowhere, so that the database by
itself does not tell a bid. What is locked has one length whatever is bid. The nonce lies inside:
with it in a column the commitment could be tried with every price.
"""

from __future__ import annotations

import os
import struct
from typing import Final

from exchange.core.crypto import open_bytes, seal_bytes
from exchange.core.keys import keyring
from exchange.market.auction_models import Auction, Bid
from exchange.market.auction_proof import commit
from exchange.market.auctioning import OpenBid

NONCE_BYTES: Final = 32
LAYOUT: Final = struct.Struct(f">QI{NONCE_BYTES}s")  # amount, units, nonce


def pseudonym(auction: Auction, buyer_id: object) -> str:
    """Who bids, by a name of this auction alone: nobody is followed from one to the next."""
    return keyring().blind_index("auction-bidder", f"{auction.id}/{buyer_id}").hex()


def seal(auction: Auction, bid: OpenBid) -> tuple[bytes, str]:
    """The locked bid, and the commitment that is published of it."""
    nonce = os.urandom(NONCE_BYTES)
    plain = LAYOUT.pack(bid.amount, bid.units, nonce)
    sealed = seal_bytes(_key(auction), plain, bound_to=_place(auction, bid.sequence))
    return sealed, commit(auction.public_id, bid, nonce=nonce.hex())


def open_bid(auction: Auction, bid: Bid) -> OpenBid:
    """Read a bid and write down what it says. For the close alone.

    Raises CannotUnlock for bytes of another auction or place.
    """
    plain = open_bytes(_key(auction), bid.sealed, bound_to=_place(auction, bid.sequence))
    bid.amount, bid.units, nonce = LAYOUT.unpack(plain)
    bid.nonce = nonce.hex()
    opened = OpenBid(bid.sequence, pseudonym(auction, bid.organization_id), bid.amount, bid.units)
    assert commit(auction.public_id, opened, nonce=bid.nonce) == bid.commitment
    return opened


def _key(auction: Auction) -> bytes:
    context = auction.id.bytes
    return keyring().derived_key("auction", context=context, version=auction.key_version)


def _place(auction: Auction, sequence: int) -> bytes:
    return f"{auction.id}/{sequence}".encode()
