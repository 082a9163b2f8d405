"""Re-planning with its preview, and amendments."""
