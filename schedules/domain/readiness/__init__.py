"""May treatment start: the checklist, gates before the next participant, the search for day zero."""
