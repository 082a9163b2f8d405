"""How the reminders are: what waits, what failed, over which channel."""
