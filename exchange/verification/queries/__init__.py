"""Questions about the spot check: of lots for everybody, of the queue for verifiers."""

from exchange.verification.queries.found import found_bad, found_beside, is_sampled
from exchange.verification.queries.inspected import lots_at_odds_with_their_inspection
from exchange.verification.queries.invariants import (
    lots_at_odds_with_their_sample,
    samples_with_wrong_tallies,
)
from exchange.verification.queries.lots import (
    Progress,
    Quality,
    asked_for,
    called_of,
    draw_so_far,
    draws_to_make,
    find_sample,
    get_draw,
    get_draw_of,
    inspections_of,
    is_public,
    known_outcome,
    next_commitment,
    open_commitment,
    progress,
    public_record,
    published_qualities,
    published_quality,
)
from exchange.verification.queries.pay import pay_at_odds_with_the_ledger
from exchange.verification.queries.proofs import lead_proof, leaf_proof
from exchange.verification.queries.reach import reach_norm, reach_of
from exchange.verification.queries.reputation import (
    Cell,
    SourceRecord,
    newest_prior,
    records_of_sources,
    reputation,
    reputations,
    reserve_bps,
    reserve_days,
    sellers,
    source_record,
    verticals_without_prior,
)
from exchange.verification.queries.sheets import Look, LotSheet, Measured, lot_sheet
from exchange.verification.queries.sources import lot_sources, source_map, source_map_hash
from exchange.verification.queries.workers import skills_of

__all__ = [
    "Cell",
    "Look",
    "LotSheet",
    "Measured",
    "Progress",
    "Quality",
    "SourceRecord",
    "asked_for",
    "called_of",
    "draw_so_far",
    "draws_to_make",
    "find_sample",
    "found_bad",
    "found_beside",
    "get_draw",
    "get_draw_of",
    "inspections_of",
    "is_public",
    "is_sampled",
    "known_outcome",
    "lead_proof",
    "leaf_proof",
    "lot_sheet",
    "lot_sources",
    "lots_at_odds_with_their_inspection",
    "lots_at_odds_with_their_sample",
    "newest_prior",
    "next_commitment",
    "open_commitment",
    "pay_at_odds_with_the_ledger",
    "progress",
    "public_record",
    "published_qualities",
    "published_quality",
    "reach_norm",
    "reach_of",
    "records_of_sources",
    "reputation",
    "reputations",
    "reserve_bps",
    "reserve_days",
    "samples_with_wrong_tallies",
    "sellers",
    "skills_of",
    "source_map",
    "source_map_hash",
    "source_record",
    "verticals_without_prior",
]
