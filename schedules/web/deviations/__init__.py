"""Deviations and the logs."""
