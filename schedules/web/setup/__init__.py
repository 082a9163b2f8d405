"""From an empty database to the first participant: sites, trials, versions, and what comes next."""
