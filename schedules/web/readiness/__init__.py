"""Readiness, product, cohort board and the search for day zero."""
