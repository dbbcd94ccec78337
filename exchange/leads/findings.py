"""What intake can say: the stable codes with their sentences, refusals, questions and notes.

A code is the same word in file reports, API and pages; its sentence never holds a contact.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from exchange.core.errors import DomainError

# Marks a sentence for translation; the door that shows it translates and fills it in.
N_ = str

FILE_SENTENCES: Final[dict[str, str]] = {
    "empty": N_("The file is empty."),
    "no_rows": N_("The file has no rows below its header. Blank lines found: %(blank)s."),
    "type": N_("This is %(kind)s, not a text table. Save the table as CSV and upload that."),
    "xls_old": N_(
        "This is a workbook of Excel 97 to 2003. Save it as CSV UTF-8 and upload that file."
    ),
    "encrypted": N_("This workbook is protected by a password. Save it as CSV without one."),
    "archive": N_("This is an archive (%(kind)s). Unpack it and upload the file inside."),
    "damaged": N_("The file is damaged. Open it in the program that made it and save it again."),
    "incomplete": N_("The file is not complete: its end is missing. Upload it again."),
    "macros": N_("This workbook holds macros. Save it as XLSX without macros, or as CSV."),
    "external_links": N_(
        "This workbook takes values from other files. Save it with its values alone, or as CSV."
    ),
    "xml_entities": N_(
        "This workbook holds instructions that a table does not need. Save it anew."
    ),
    "zip_ratio": N_(
        "The file unpacks to far more than its size lets expect. Save the table as CSV and "
        "upload that."
    ),
    "zip_members": N_(
        "The workbook consists of %(found)s parts; at most %(limit)s are read. Save the table "
        "as CSV."
    ),
    "too_many_cells": N_(
        "The sheet reaches over %(found)s cells; at most %(limit)s can be read. Delete what stands "
        "apart from the table, or save it as CSV."
    ),
    "too_demanding": N_(
        "Reading the file takes more time or memory than one file may have. Save the table as "
        "CSV UTF-8, or split it into several files."
    ),
    "too_large": N_("The file has %(found)s bytes; at most %(limit)s can be read."),
    "too_many_columns": N_("The file has %(found)s columns; at most %(limit)s can be read."),
    "too_many_rows": N_("The file has more than %(limit)s rows. Split it into several files."),
    "delimiter_unclear": N_(
        "The rows do not agree on what separates their columns. Save the file again with one "
        "separator."
    ),
    "unclosed_quote": N_(
        "Quotation marks are opened and not closed in many places, first in line %(line)s. "
        "Save the file again."
    ),
    "missing_column": N_("No column holds: %(fields)s. Add it, or say which column it is."),
    "forbidden_data": N_(
        "Column %(column)s looks like %(kind)s. Such data is not accepted: remove the column."
    ),
}

ROW_SENTENCES: Final[dict[str, str]] = {
    # The record
    "columns": N_("The row has more or fewer cells than the header."),
    "control_char": N_("A cell holds characters that cannot be stored."),
    "cell_too_long": N_("A cell is longer than 8 KB."),
    "row_too_long": N_("The row is longer than 64 KB."),
    "unclosed_quote": N_("A quotation mark is opened in this row and never closed."),
    "encoding": N_("Some characters of the row cannot be read in the encoding of the file."),
    "formula_without_value": N_(
        "A cell holds a formula without its result. Open the file in a spreadsheet and save it."
    ),
    "error_value": N_("A cell shows an error of the spreadsheet instead of a value."),
    "json_invalid": N_("The line is not one JSON object with each key once."),
    "nested_value": N_("A value is a list or an object; only plain values are read."),
    # Values
    "missing_required": N_("A required value is missing."),
    "value_not_allowed": N_("The value is not one of those allowed."),
    "too_short": N_("The value is too short; a leading digit or zero may be lost."),
    "too_long": N_("The value is too long."),
    "too_small": N_("The value is below the least that is allowed."),
    "too_large": N_("The value is above the most that is allowed."),
    "postal_code_invalid": N_("This is not a postal code of the country."),
    "url_invalid": N_("This is not the address of a web page."),
    "number_invalid": N_("This is not a number."),
    "number_ambiguous": N_(
        "The number can be read in two ways. Say which mark stands for decimals."
    ),
    "currency_mismatch": N_("The amount is in another currency than the batch."),
    "precision": N_("The amount has more decimals than its currency."),
    "date_invalid": N_("This is not a date that can be read."),
    "date_ambiguous": N_("Day and month can be read in two ways. Say in which order they stand."),
    "time_invalid": N_("This is not a time that the clock showed."),
    "formula": N_("A formula stands where a value is expected."),
    "unsafe_content": N_("The text looks like a formula or a program; it is kept as plain text."),
    "mojibake": N_("The text was saved in the wrong encoding."),
    "forbidden_data": N_("A cell holds a card number. Such data is not accepted."),
    # Phones
    "not_phone": N_("This is not a phone number."),
    "phone_invalid": N_("No phone can have this number."),
    "excel_lost_digits": N_(
        "A spreadsheet has cut off digits of the number. Format the column as text and save again."
    ),
    "vanity": N_("The number is written with letters."),
    "two_numbers": N_("There are two numbers in one cell."),
    "short_code": N_("This is a short code, not the number of a person."),
    "toll_free": N_("This is a toll-free number, not the number of a person."),
    "premium": N_("This is a premium-rate number, not the number of a person."),
    "type": N_("Numbers of this type do not belong to a person."),
    "fake_pattern": N_("The digits are repeated or stepped."),
    "fictional": N_("The number is from a range kept for films and examples."),
    "unicode_digits": N_("The digits are from several scripts."),
    "bidi": N_("The digits are not shown in the order in which they are stored."),
    "country_mismatch": N_("The number belongs to another country than the batch."),
    # E-mails and names
    "email_invalid": N_("This is not an e-mail address."),
    "homoglyph": N_("The address mixes letters of two alphabets that look alike."),
    "disposable": N_("The address is a throw-away address."),
    "not_a_person": N_("This is not the name of a person."),
    # Consent and age
    "consent_missing": N_("The consent lacks its text, time or source."),
    "consent_in_future": N_("The consent was given after the file was received."),
    "requested_in_future": N_("The request is dated after the file was received."),
    "too_old": N_("The request is older than the vertical allows."),
    "age": N_("The person is too young."),
    # Leads that are posted one by one
    "call_too_short": N_("The call was shorter than a lead of this source must be."),
    "check_not_agreed": N_(
        "The person has not agreed to a call of ours, so the lead is kept and not offered."
    ),
    "not_by_a_person": N_("The form was filled in by a program."),
    # Against other rows and lists
    "duplicate_in_file": N_("The person is in the file before."),
    "duplicate_in_window": N_("The person is known in this vertical already."),
    "suppressed": N_("The person must not be contacted."),
    "failed_check_before": N_("A check has found this lead bad before."),
    # Of pings
    "not_sellable": N_("This person cannot be sold. Which list says so is not told."),
    "bid_lapsed": N_(
        "No bid of the ping can be paid any longer. Nothing of the lead was kept: it stays yours."
    ),
    "not_open_to_contracts": N_(
        "The lot that takes this lead is not on sale to standing orders at the moment."
    ),
    "no_contract_asks": N_("No standing order asks for such a lead."),
    "contracts_pay_less": N_("Standing orders that ask for such a lead pay less than you ask."),
    "no_contract_takes_now": N_(
        "Standing orders that ask for such a lead cannot take one more at the moment."
    ),
    "check_first": N_("The lead is kept and goes on sale when its lot is accepted; bids are void."),
    "resubmitted": N_(
        "The lead is of a lot that was not accepted: only a full inspection clears it."
    ),
    "dropped_by_seller": N_("You left this row out."),
}


# What recognition states; %(value)s is the note's own.
NOTE_SENTENCES: Final[dict[str, str]] = {
    "format": N_("Read as %(value)s."),
    "packed": N_("Unpacked from %(value)s."),
    "not_a_workbook": N_(
        "The name ends in .%(value)s, but the file is a text table. Read as such."
    ),
    "bom": N_("The mark at the beginning that says “UTF-8” was left out."),
    "encoding": N_("Read in the encoding %(value)s."),
    "delimiter": N_("The columns are separated by “%(value)s”."),
    "line_ends": N_("The ends of lines are of another kind than usual (%(value)s)."),
    "sheet": N_("Read from the sheet “%(value)s”."),
    "hidden_rows": N_("Hidden rows: %(value)s."),
    "hidden_columns": N_("Hidden columns: %(value)s."),
    "hidden_sheets": N_("Hidden sheets with something in them: %(value)s."),
    "merged_cells": N_("Merged cells: %(value)s. Only the first row of each has its value."),
    "later_keys": N_("Keys that appear only further down and are not read: %(value)s."),
}


def row_sentence(code: str) -> str:
    """The sentence of a row's code, to be translated; the code itself where there is none."""
    return ROW_SENTENCES.get(code, code)


_TOO_MUCH: Final = (
    "too_large", "too_many_rows", "too_many_columns", "too_many_cells", "too_demanding",
    "zip_ratio", "zip_members",
)  # fmt: skip
_OTHER_KINDS: Final = (
    "type", "archive", "xls_old", "encrypted", "macros", "external_links", "xml_entities",
)  # fmt: skip


class FileReject(DomainError):
    """The whole file is refused: nothing of it is stored but code and sentence.

    `sentence` with `facts` is for translation, `detail` is the English of both.
    """

    title = "The file cannot be taken"
    _STATUS: Final[Mapping[str, int]] = {
        **dict.fromkeys(_TOO_MUCH, 413),
        **dict.fromkeys(_OTHER_KINDS, 415),
    }

    def __init__(self, code: str, sentence: str = "", **facts: str | int) -> None:
        self.sentence = sentence or FILE_SENTENCES[code]
        super().__init__(self.sentence % facts, code=code)
        self.facts = dict(facts)
        self.status = self._STATUS.get(code, 422)


@dataclass(frozen=True, slots=True)
class Question:
    """What only the seller can say. The guess is filled in; confirming it is the answer.

    `preview` shows what each option would give. It holds personal data: never store or log it.
    """

    code: str
    field: str
    options: tuple[str, ...]
    guess: str | None
    preview: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Note:
    """A stated, reversible change or observation; `value` is no personal data."""

    code: str
    value: str = ""
