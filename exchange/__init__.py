"""A lead exchange: measured quality, recomputable draws, books that add up."""

import gc

# Modules, tables and plans of queries are made by the thousand and stay, and a round of a thousand
# leads makes some 100,000 objects that it needs to its end: every process looks among them for
# garbage less often.
gc.set_threshold(20_000, 20, 20)
