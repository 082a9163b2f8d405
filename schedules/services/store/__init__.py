"""Writers of rows that several use cases share; locks and marks beside them."""
