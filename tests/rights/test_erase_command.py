"""`exchange erase` as an operator calls it: the person comes on stdin, the certificate on stdout."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from exchange.config import ROOT
from exchange.core.db import db
from exchange.leads.models import Lead, LeadStatus
from tests.cast import make_cast
from tests.factories.leads import leads_of, make_batch, make_person
from tests.servers import house

pytestmark = pytest.mark.commits


@pytest.fixture
def story(committed):
    """One lot with somebody in it, and the command."""
    person = make_person()
    batch = make_batch(make_cast().seller, people=[person, make_person()])
    leads = [(lead.id, lead.public_id) for lead in leads_of(batch)]
    db.session.commit()

    def call(*arguments, given=""):
        return subprocess.run(
            [sys.executable, "-m", "exchange", "erase", *arguments],
            env=house.environment(committed.config["SETTINGS"]),
            cwd=ROOT,
            capture_output=True,
            text=True,
            input=given,
            timeout=60,
            check=False,
        )

    return call, person, leads


def status(lead_id) -> LeadStatus:
    db.session.rollback()
    return db.session.get(Lead, lead_id, populate_existing=True).status


def test_a_phone_on_stdin_erases_and_prints_the_certificate(story):
    call, person, leads = story
    done = call("--phone", "--yes", "--json", given=person["phone"] + "\n")
    assert done.returncode == 0, done.stderr
    paper = json.loads(done.stdout)
    assert paper["leads"] == [leads[0][1]]
    assert [status(lead_id) for lead_id, _ in leads] == [LeadStatus.PURGED, LeadStatus.VALID]
    assert person["phone"] not in done.stdout + done.stderr


def test_a_lead_names_its_person(story):
    call, _, leads = story
    done = call("--lead", leads[1][1], "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Certificate of erasure era_")
    assert status(leads[1][0]) is LeadStatus.PURGED


def test_a_person_on_the_command_line_is_refused_and_not_repeated(story):
    call, person, leads = story
    done = call("--phone", person["phone"], "--yes")
    assert done.returncode == 2
    assert person["phone"] not in done.stdout + done.stderr
    assert status(leads[0][0]) is LeadStatus.VALID


def test_without_an_answer_nothing_is_erased(story):
    call, person, leads = story
    done = call("--email", given=person["email"] + "\nn\n")
    assert done.returncode == 1
    assert status(leads[0][0]) is LeadStatus.VALID
