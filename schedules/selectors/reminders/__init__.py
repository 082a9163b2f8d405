"""Which reminders are due by the rules."""
