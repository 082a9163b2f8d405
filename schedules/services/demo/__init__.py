"""Made-up participants for trying out."""
