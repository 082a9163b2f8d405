"""Protocol documents in and out, and the calendars of public holidays: plain Python."""
