"""Servers at the outside edges, as processes or threads of their own."""
