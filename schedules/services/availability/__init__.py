"""Absences and a site's working days, with the dates that they move."""
