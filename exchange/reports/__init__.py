"""Figures over the tables, read only: what the home pages and the public method page show."""
