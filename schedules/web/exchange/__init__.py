"""Pages about what passes between Dayzero and EDCs."""
