"""Finding a participant, a visit, a trial, a site or a page, and the keys of the pages."""
