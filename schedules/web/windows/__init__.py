"""Facts, flags and the eligibility clock."""
