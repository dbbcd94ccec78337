"""The catalogue of bad input as one table, each case through the verbs of intake.

Whatever the case: nothing but a refusal by code ends a file, every record ends in one state, no
sentence repeats what stood in a cell, and nothing of an upload is left lying about.
"""

import logging
import shutil

import pytest

from exchange.core import clock
from exchange.leads.findings import FILE_SENTENCES, NOTE_SENTENCES, row_sentence
from exchange.leads.services.files import storage_key
from tests.intake import cases_cells, cases_files
from tests.intake.desk import take
from tests.leads.intake_case import GOOD

CASES = [
    *cases_files.TEXTS,
    *cases_files.PACKAGES,
    *cases_files.WORKBOOKS,
    *cases_files.OBJECTS,
    *cases_files.HEADERS,
    *cases_cells.PHONES,
    *cases_cells.PEOPLE,
    *cases_cells.VALUES,
]


@pytest.mark.parametrize("case", CASES)
def test_every_input_has_its_answer(case, seller, settings, caplog):
    kept = settings.data_folder / "files"
    shutil.rmtree(kept, ignore_errors=True)
    taken = take(seller, case.made(clock.now()), **case.options)
    assert taken.notes <= NOTE_SENTENCES.keys()
    assert case.codes <= taken.told
    assert taken.refused <= case.codes
    assert case.notes <= taken.told
    assert case.asked == taken.asked or not case.asked
    if case.valid is not None:
        assert taken.outcomes["valid"] == case.valid
    if case.outcome:
        assert set(taken.outcomes) == {case.outcome}
    check_accounts(taken)
    check_sentences(taken)
    check_traces(taken, kept, caplog)


def check_accounts(taken):
    """Row equation: every record that is not blank is a row with one end."""
    if taken.reject:
        assert taken.batch is None
        return
    batch = taken.batch
    assert sum(taken.outcomes.values()) == batch.rows_done == batch.rows_total > 0


def check_sentences(taken):
    """Each code has a sentence, and none of them holds what stood in a cell."""
    if taken.reject:
        sentence = str(taken.reject)
        assert taken.reject.status in {413, 415, 422}
        assert taken.reject.code in FILE_SENTENCES
        assert GOOD["name"] not in sentence
        assert "4111" not in sentence
    else:
        assert not [code for code in taken.refused if row_sentence(code) == code]


def check_traces(taken, kept, caplog):
    """No file of a refused upload, no part of any, no error in the log."""
    left = [path for path in kept.rglob("*") if path.is_file()]
    wanted = [] if taken.reject else [storage_key(taken.draft)]
    assert [path.name for path in left] == wanted
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
