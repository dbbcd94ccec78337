"""After the sale: delivery, returns, refunds and settlement.

A contact becomes readable only for who paid for it, and every opening is recorded first.
"""
