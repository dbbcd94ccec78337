"""People by SHA-256: the recipe, what is stored of it, and that nothing can be read back."""

from __future__ import annotations

from sqlalchemy import select

from exchange.catalog.policies import DuplicatePolicy, Match
from exchange.core.db import db
from exchange.core.keys import keyring
from exchange.leads import people
from exchange.leads.fingerprints import (
    IdentityKey,
    digest,
    digested,
    duplicate_keys,
    identity_keys,
    known_by_digest,
)
from exchange.leads.models import Contact
from exchange.leads.rights import PersonDigest
from exchange.leads.services import digests
from exchange.leads.vault import blind_index
from tests.factories.leads import make_batch

PHONE, EMAIL = "+16145550142", "taylor@example.com"
BOTH = DuplicatePolicy(match=Match.ALL, fields=("phone", "email"))


def test_vectors_of_the_recipe():
    assert digest(PHONE) == "e4734ba6912ccde39536e69ca28b35af12f91806ae3672d1724f1e903ac43972"
    assert digest(EMAIL) == "6f666aedca03c6514c6fea1701241e1db06bdfe964b8ee1ae08a6d47cdf8fa56"


def test_who_sends_hashes_names_the_same_keys_as_who_knows_the_person():
    for policy in (BOTH, DuplicatePolicy(match=Match.ANY, fields=("email",))):
        for phone, email in ((PHONE, EMAIL), (PHONE, None), (None, EMAIL)):
            known = duplicate_keys(identity_keys(phone, email), policy)
            sent = identity_keys(phone and digest(phone), email and digest(email))
            named = duplicate_keys(sent, policy)
            assert [digested(key) for key in known] == [known_by_digest(key) for key in named]


def test_every_person_of_a_lot_is_found_and_nobody_else(cast):
    make_batch(cast.seller, leads=3)
    held = {
        value
        for row in db.session.execute(select(Contact.phone_index, Contact.email_index))
        for value in row
    }
    rows = db.session.scalars(select(PersonDigest)).all()
    assert {row.hash for row in rows} == held
    found = people.hashes_by_digest([row.digest for row in rows])
    assert found == held
    assert people.hashes_by_digest([b"x" * 16]) == set()


def test_no_plain_hash_is_stored(app):
    digests.note_people([IdentityKey("phone", PHONE)])
    digests.note_people([IdentityKey("phone", PHONE)])  # again changes nothing
    row = db.session.scalars(select(PersonDigest)).one()
    plain = bytes.fromhex(digest(PHONE))
    assert row.digest not in {plain, plain[:16]}
    assert row.digest != row.hash == blind_index("phone", PHONE)
    assert row.digest == keyring().blind_index("sha256:phone", digest(PHONE))
