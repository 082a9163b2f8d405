"""What calendar subscriptions show, and whether it has changed."""
