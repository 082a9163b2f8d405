"""Bulk writing by the quickest way each database has."""
