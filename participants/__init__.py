"""Who takes part, and what is known of them."""
