"""Accounts and roles, as they are read."""
