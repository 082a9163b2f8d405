"""Tables that come in: sheets that somebody filled in."""
