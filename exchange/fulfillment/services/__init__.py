"""Verbs of what follows a sale, by noun."""
