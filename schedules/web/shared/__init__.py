"""What every page uses: the request's clock, fields, forms, answers and wording."""
