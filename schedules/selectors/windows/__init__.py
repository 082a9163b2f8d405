"""Protocol windows, their verdicts and flags, and the eligibility clock."""
