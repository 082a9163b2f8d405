"""Calendars behind secret addresses."""
