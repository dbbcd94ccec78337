"""Verbs of the spot check: commit and draw, call, judge, decide."""
