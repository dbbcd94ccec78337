"""The verbs of money, by noun. None of them commits; each is safe to repeat."""
