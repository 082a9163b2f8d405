"""What a protocol says, in plain Python: no framework, no clock."""
