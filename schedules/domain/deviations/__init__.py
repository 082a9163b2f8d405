"""Deviations and the screening and enrolment logs, derived from what is on record."""
