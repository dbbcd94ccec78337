"""A lead exchange: measured quality, recomputable draws, books that add up."""
