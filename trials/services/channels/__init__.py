"""Channels of people, sites and trials: entered, tried, renewed, switched off, and let rest."""
