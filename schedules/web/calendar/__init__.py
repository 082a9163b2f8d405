"""A site's calendar, what it sees people with, and paper."""
