"""Visits as iCalendar bytes: frozen values in, bytes out, no framework.

What real clients need is the reason for most lines here; docs and tests name the client.
"""
