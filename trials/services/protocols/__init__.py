"""Publish, approve and close."""
