"""A small Stripe-compatible server for trying things out: nobody is charged or paid.

It is a process of its own and imports nothing of the exchange: the two meet over HTTP alone,
as the exchange and Stripe do.
"""
