"""Documents that pass between Dayzero and other systems, read and written without a framework."""
