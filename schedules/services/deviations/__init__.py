"""Classify, void and enter deviations."""
