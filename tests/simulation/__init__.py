"""A site that is run day by day by somebody who does only what Dayzero asks, against books kept apart."""
