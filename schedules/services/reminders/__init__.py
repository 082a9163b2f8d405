"""The ledger of reminders and its delivery."""
