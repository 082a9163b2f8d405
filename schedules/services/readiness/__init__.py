"""Record the start of treatment and safety reviews."""
