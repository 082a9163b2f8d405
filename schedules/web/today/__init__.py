"""The page of today, and what is done on it without leaving it."""
