"""Status changes and holds."""
