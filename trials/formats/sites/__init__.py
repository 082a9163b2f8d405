"""Calendars of public holidays."""
