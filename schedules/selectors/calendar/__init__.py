"""A site's days: who comes when, what closes, who is away, what is to be booked."""
