"""Which software this is; every export says it."""

RELEASE = "0.1.0"
"""The version of Dayzero, as in pyproject.toml."""
