"""How the database records every write, and guards what must not change."""
