"""The log of deviations, and the screening and enrolment logs."""
