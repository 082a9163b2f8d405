"""Who takes part, in plain Python."""
