"""Paper: cards and lists as HTML to print and as PDF."""
