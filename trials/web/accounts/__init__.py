"""Sign in, accounts, roles."""
