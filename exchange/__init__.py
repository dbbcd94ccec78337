"""A lead exchange: measured quality, recomputable draws, books that add up."""

import gc

# Modules, tables and plans of queries are made by the thousand and stay: every process looks
# among them for garbage less often.
gc.set_threshold(20_000, 20, 20)
