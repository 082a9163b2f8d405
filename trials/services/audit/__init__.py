"""Seal, verify, review and export the audit trail; sign."""
