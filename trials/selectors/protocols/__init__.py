"""Approvals, signatures and what is kept of a closed trial."""
