"""Stored rows as the domain's values, for any number of participants at once."""
