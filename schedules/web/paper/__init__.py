"""A participant's visit card, and the lists of a site that are printed."""
