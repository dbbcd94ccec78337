"""The two sides meet: listings and orders.

A lead is never sold more often than its slots allow; funds and leads are reserved together.
"""
