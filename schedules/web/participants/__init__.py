"""Today, the list of participants, one participant, enrolment."""
