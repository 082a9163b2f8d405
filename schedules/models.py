"""Visits and what hangs on them."""
