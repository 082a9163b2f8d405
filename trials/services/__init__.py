"""Changes to what a protocol says, where it runs, and who may."""
