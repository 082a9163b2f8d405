"""The Today page, and what is done on it without leaving it."""
