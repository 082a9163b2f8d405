"""Enrol one participant, or many."""
