"""Verbs of the inventory, one file per noun."""
