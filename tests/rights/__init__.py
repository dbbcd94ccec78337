"""What people may ask for, and what the exchange owes them, across the packages."""
