"""A site's calendar, and what it sees people with."""
