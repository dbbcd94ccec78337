"""Every code that an error of the API can carry, and what to do about it.

A code is stable: programs branch on it. A test compares this list with the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask_babel import lazy_gettext as _


@dataclass(frozen=True, slots=True)
class Problem:
    """One code: its HTTP status and what to do."""

    status: int
    remedy: str


GENERAL: Final[dict[str, Problem]] = {
    "malformed": Problem(400, _("Send a body that can be read as the documented type.")),
    "idempotency_key_required": Problem(
        400, _("Send the header Idempotency-Key with a new value for each new intention.")
    ),
    "signature_invalid": Problem(400, _("Sign the raw body with the secret of the endpoint.")),
    "unauthenticated": Problem(401, _("Send a key, or sign in.")),
    "key_unknown": Problem(401, _("The key is unknown, revoked or expired. Make a new one.")),
    "wrong_password": Problem(401, _("Check both; the answer never says which one is wrong.")),
    "forbidden": Problem(403, _("Your organization or role may not do this.")),
    "not_approved": Problem(403, _("Wait until the operator has approved your organization.")),
    "not_found": Problem(404, _("There is no such thing, or it is not yours.")),
    "method_not_allowed": Problem(405, _("The header Allow names the methods of this path.")),
    "conflict": Problem(409, _("Read the object again: its state has changed.")),
    "illegal_transition": Problem(409, _("The object cannot go there from its present state.")),
    "idempotency_conflict": Problem(
        409, _("The key was used for another request. Make a new key for a new intention.")
    ),
    "idempotency_running": Problem(409, _("Ask again after Retry-After seconds, with this key.")),
    "gone": Problem(410, _("It was there and is no more.")),
    "too_large": Problem(413, _("Send less: the limits are stated beside each upload.")),
    "unsupported_file": Problem(415, _("Send a type that is listed for this call.")),
    "invalid": Problem(422, _("Each member of errors points at one field and says what is wrong.")),
    "value_not_allowed": Problem(422, _("Use one of the values that the message lists.")),
    "too_many_requests": Problem(429, _("Wait Retry-After seconds.")),
    "internal_error": Problem(500, _("A fault of ours, already recorded under request_id.")),
    "unavailable": Problem(503, _("Try again after Retry-After seconds; repeating is safe.")),
}
MONEY: Final[dict[str, Problem]] = {
    "insufficient_funds": Problem(402, _("Top up at least the amount in missing.")),
    "amount_differs": Problem(
        409, _("Another amount was paid than asked for; the operator looks.")
    ),
    "paid_twice": Problem(409, _("A second payment came; the operator looks.")),
    "not_payable": Problem(409, _("Start a new top-up.")),
    "nothing_payable": Problem(409, _("Wait until a return window closes.")),
    "over_refunded": Problem(409, _("The price was given back already.")),
    "payout_account_missing": Problem(409, _("Connect a payout account first.")),
    "currency_unknown": Problem(409, _("Use one of the currencies that the exchange knows.")),
    "reversed_in_part": Problem(409, _("A payout was reversed in part; the operator looks.")),
    "shape_unknown": Problem(409, _("The event lacks something; the operator looks.")),
    "refused_by_stripe": Problem(409, _("The fact reason is Stripe's own word for why.")),
    "stripe_unavailable": Problem(503, _("Try again; the same key pays once.")),
}
TRADE: Final[dict[str, Problem]] = {
    "not_a_buyer": Problem(403, _("Only buyers order leads.")),
    "own_leads": Problem(403, _("Nobody buys their own leads.")),
    "related": Problem(403, _("Who shares a member with a seller does not buy from it.")),
    "listing_unavailable": Problem(409, _("Choose another listing, or look again later.")),
    "listing_ended": Problem(409, _("A listing that has ended stays as it is.")),
    "already_listed": Problem(409, _("The lot is on sale already.")),
    "auction_only": Problem(409, _("Place a bid in its auction.")),
    "not_on_sale": Problem(409, _("Read whether the lead is still on sale.")),
    "contracts_only": Problem(409, _("Make a contract that asks for such leads.")),
    "mode_fixed": Problem(409, _("An auction or a targeted listing is sold in its own way.")),
    "criteria_fixed": Problem(409, _("List what fits other criteria as a listing of its own.")),
    "nothing_ripe": Problem(409, _("Ninety days after its sale a lead may be listed again.")),
    "bought_before": Problem(409, _("A listing is tried once, before anything else is bought.")),
    "not_inspectable": Problem(409, _("Wait until the lot is decided.")),
    "nothing_to_inspect": Problem(409, _("Everybody who may be called has answered.")),
    "inspection_running": Problem(409, _("Wait for the end of the inspection that runs.")),
    "total_changed": Problem(409, _("Read the inspection again and send its new total.")),
    "not_accepted": Problem(409, _("Only an accepted lot can be sold.")),
    "too_few": Problem(409, _("So few leads cannot be sold as a lot.")),
    "targeted": Problem(409, _("Targeted leads belong to the buyer they were captured for.")),
    "offer_closed": Problem(409, _("The fact reason says why; the page of the offer says more.")),
    "already_joined": Problem(409, _("Choose another source, or post with this one.")),
    "source_refused": Problem(409, _("The buyer takes no leads of this source; use another.")),
    "contract_not_active": Problem(409, _("Activate the contract first.")),
    "vertical_paused": Problem(409, _("Wait until the operator resumes the vertical.")),
    "contract_ended": Problem(409, _("An ended contract stays as it is. Make a new one.")),
    "over": Problem(409, _("Change ends_at of the contract first, or take it away.")),
    "vertical_fixed": Problem(409, _("Publish a new vertical under another code.")),
    "terms_changed": Problem(
        409, _("Read the new terms in the answer and agree to their version.")
    ),
    "sold_out": Problem(410, _("The fact left says how many can still be bought.")),
    "auction_not_open": Problem(409, _("Bid once the auction is open; opens_at says when.")),
    "too_many_bids": Problem(409, _("Let your last bid stand, or withdraw it.")),
    "auction_over": Problem(410, _("Read the result of the auction.")),
    "auction_running": Problem(409, _("Wait until the auction of this listing has ended.")),
    "not_delivered": Problem(409, _("Wait until the lead is delivered.")),
    "refunded": Problem(410, _("A refunded lead is never readable again.")),
    "contact_erased": Problem(410, _("The person asked to be erased.")),
    "already_requested": Problem(409, _("One return for each lead; read the one there is.")),
    "credit_used": Problem(409, _("Decline it, or propose a limit that covers what is used.")),
    "credit_waiting": Problem(409, _("Decide the limit that waits first.")),
    "second_person": Problem(409, _("Let somebody else of the operator approve it.")),
    "already_decided": Problem(409, _("Read the decision.")),
    "window_closed": Problem(410, _("The return window has closed.")),
    "nothing_paid": Problem(409, _("Nothing was paid for the lead. Reject its action instead.")),
    "not_per_action": Problem(409, _("Only leads of a contract under CPA have actions.")),
    "already_reported": Problem(409, _("One action for each lead; read the one there is.")),
    "reference_used": Problem(409, _("Use an id of your own for each action.")),
    "returned": Problem(410, _("The lead was taken back, so no action of it is paid.")),
    "contest_closed": Problem(410, _("The time for objections is over.")),
    "nothing_to_contest": Problem(409, _("The return was decided in your favor.")),
    "not_contested": Problem(409, _("Nobody has objected; decide it instead.")),
}
CHECKS: Final[dict[str, Problem]] = {
    "file_known": Problem(409, _("Send again=true if you mean to upload the same file twice.")),
    "file_gone": Problem(410, _("The raw file was destroyed after its time. Upload it again.")),
    "file_unreadable": Problem(409, _("Upload the mended file; this one has no end.")),
    "import_finished": Problem(409, _("Start a new import.")),
    "import_dropped": Problem(410, _("Upload the file again.")),
    "import_not_mapped": Problem(409, _("Map the columns first; a file that was sent stays so.")),
    "too_many_files": Problem(422, _("Send the files in several goes.")),
    "check_running": Problem(409, _("Wait until every row is checked, and ask again.")),
    "rows_refused": Problem(409, _("Correct or drop the rows, or import the others alone.")),
    "row_repeated": Problem(422, _("Each row stands in the corrected file once.")),
    "unknown_row": Problem(422, _("Keep the column _row of the problem file as it is.")),
    "unknown_column": Problem(422, _("Name a column of the file.")),
    "encoding": Problem(422, _("Save the corrected file as CSV UTF-8.")),
    "questions_open": Problem(409, _("Answer the questions of the batch first.")),
    "mapping": Problem(422, _("Name columns of the file and fields of the vertical.")),
    "delimiter": Problem(422, _("Choose a comma, semicolon, tab or pipe.")),
    "header_row": Problem(422, _("Choose one of the first rows, or 0 for none.")),
    "source_exists": Problem(409, _("Choose another name, or edit the source that has it.")),
    "source_paused": Problem(409, _("Resume the source first.")),
    "source_stopped": Problem(409, _("Use another source, or ask the operator.")),
    "lot_open": Problem(409, _("Wait until the lot is sealed and decided.")),
    "terms_missing": Problem(409, _("Set the terms for single leads of the source first.")),
    "ping_used": Problem(409, _("Ping again: a ping is used once, and only with bids.")),
    "ping_expired": Problem(410, _("Ping again: bids stand for a minute.")),
    "external_id_used": Problem(409, _("Give each lead a name of its own.")),
    "form_expired": Problem(422, _("Show the form again; what was typed is kept.")),
    "preset_key_wrong": Problem(403, _("Send the key that was told to the exchange.")),
    "nonce_awaited": Problem(409, _("Wait ten minutes, or let the seller give the nonce.")),
    "nonce_given": Problem(409, _("The sample has its nonce.")),
    "nonce_late": Problem(409, _("The sample is drawn without a nonce of yours.")),
    "witness_is_seller": Problem(403, _("A witness is somebody else.")),
    "task_taken": Problem(409, _("Ask for the next one.")),
    "lease_over": Problem(409, _("What you typed is kept; claim the next call.")),
    "undo_late": Problem(409, _("A verdict can be taken back for thirty seconds.")),
    "undo_taken": Problem(409, _("The call went on meanwhile.")),
    "undo_decided": Problem(409, _("The verdict has decided something already.")),
    "not_learning": Problem(409, _("Ask whoever runs the floor to let you begin.")),
    "practise_first": Problem(409, _("Do the practice tasks, then take the exam.")),
    "retake_later": Problem(409, _("The page of the training says when.")),
    "other_exam": Problem(409, _("Finish the exam that you sit.")),
    "not_paused": Problem(409, _("Read the page again: somebody has lifted the pause.")),
    "appeal_decided": Problem(409, _("An appeal is decided once.")),
    "not_confirmed": Problem(409, _("Take a lead of which two verifiers said the same.")),
    "number_known": Problem(409, _("Choose another number.")),
    "people_are_real": Problem(409, _("Add people who agreed to be called for this.")),
}
PROBLEMS: Final = {**GENERAL, **MONEY, **TRADE, **CHECKS}
