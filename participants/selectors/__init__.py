"""What can be read of participants, their consents and their products."""
