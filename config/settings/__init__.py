"""One module for each place where Dayzero runs: development, production, test."""
