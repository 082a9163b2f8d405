"""Move what a calendar counts from: previewed first, committed as shown; amendments."""
