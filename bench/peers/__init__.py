"""Scripts that validate the bench's file with other libraries, by the same rules.

Each takes the file and its rules, and prints how many rows it accepts and in how many seconds.
They run in an environment of their own, so they import nothing of the exchange.
"""
