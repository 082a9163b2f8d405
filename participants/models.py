"""Participants and the facts recorded about them."""
