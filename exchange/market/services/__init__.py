"""Verbs of the market, by noun."""
