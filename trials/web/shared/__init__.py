"""Middleware and rendering for every page."""
