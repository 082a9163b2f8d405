"""The hash chain, signatures and the reading of the audit trail."""
