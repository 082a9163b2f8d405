"""What a protocol says, where it runs, and who may."""
