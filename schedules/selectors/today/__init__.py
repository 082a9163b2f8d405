"""What the Today page shows, part by part."""
