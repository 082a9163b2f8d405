"""What people do from the page of today besides booking and recording."""
