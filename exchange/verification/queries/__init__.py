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
    reserve_bps,
    source_record,
)
from exchange.verification.queries.reach import reach_norm, reach_of
from exchange.verification.queries.workers import skills_of

__all__ = [
    "Progress",
    "Quality",
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
    "lots_at_odds_with_their_inspection",
    "lots_at_odds_with_their_sample",
    "next_commitment",
    "open_commitment",
    "progress",
    "public_record",
    "published_qualities",
    "published_quality",
    "reach_norm",
    "reach_of",
    "reserve_bps",
    "samples_with_wrong_tallies",
    "skills_of",
    "source_record",
]
