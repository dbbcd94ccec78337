"""The inventory: imports, batches, leads and their locked contacts.

A contact is readable through `vault` alone and every opening is an event.
"""
