"""Pages of reminders: the bell, the rules of a trial and its sites, pauses."""
