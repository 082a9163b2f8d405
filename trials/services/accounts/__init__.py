"""Accounts, roles, proofs and tokens."""
