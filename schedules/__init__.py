"""When the visits come."""
