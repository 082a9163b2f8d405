"""What people do from the Today page besides booking and recording."""
