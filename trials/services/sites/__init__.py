"""A site's working days."""
