"""Roles, rights and names of accounts."""
