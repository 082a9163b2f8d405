"""A participant's timeline as shapes on a drawing."""
