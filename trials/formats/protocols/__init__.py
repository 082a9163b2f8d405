"""Protocol documents in and out."""
