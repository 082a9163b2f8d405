"""What the page of today shows, part by part."""
