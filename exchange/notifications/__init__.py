"""What people are told when something of theirs happened: notices in the app.

It listens to events and changes nothing else.
"""
