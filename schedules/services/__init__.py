"""Changes to when visits come."""
