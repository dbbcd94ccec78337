"""A lead exchange: measured quality, recomputable draws, books that add up."""

import gc

# Modules, tables and plans of queries are made by the thousand and stay: look among them for
# garbage less often. A process begins with a sixth less work.
gc.set_threshold(20_000, 20, 20)
