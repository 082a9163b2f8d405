"""What each page of the coordinators shows."""
