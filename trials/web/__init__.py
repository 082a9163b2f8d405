"""Pages and middleware for everybody: signing in, accounts, sessions."""
