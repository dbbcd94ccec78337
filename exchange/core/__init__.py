"""Tools without domain words: records, transitions, events, jobs, money, time, secrets, pages.

Everything above stands on this package; it knows nothing of leads, buyers or sellers.
"""
