"""What leaves: API, calendar feeds, reminders."""
