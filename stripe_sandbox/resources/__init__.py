"""Stripe's objects: one module for each kind, each function answers one endpoint.

A function here runs inside the transaction that the door opened, and never opens its own.
"""
