"""The buyer's door: the market, orders, bought leads and returns.

It never imports the seller's: the two sides meet in the market alone.
"""
