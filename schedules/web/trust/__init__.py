"""Signing, approvals, consents, closing a trial, the audit trail."""
