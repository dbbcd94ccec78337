"""What a lead of each kind looks like, and the terms on which its vertical trades.

Fields, criteria, call scripts and policies are content here; other packages use them.
"""
