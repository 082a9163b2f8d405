"""One visit and its forms, absences, the forecast."""
