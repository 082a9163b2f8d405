"""The working days of a site."""
