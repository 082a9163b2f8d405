"""Protocol windows judged by facts: judges, verdicts, flags, eligibility."""
