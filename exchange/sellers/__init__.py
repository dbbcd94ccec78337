"""The seller's door: imports, batches, listings and answers to returns.

It never imports the buyer's: the two sides meet in the market alone.
"""
