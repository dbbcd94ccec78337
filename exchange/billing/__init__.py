"""All money: the double-entry ledger, holds, top-ups, payouts and the gateway to Stripe.

It knows organizations and amounts and nothing of leads: others name their subject by a Ref.
"""
