"""The status of visits as a query."""
