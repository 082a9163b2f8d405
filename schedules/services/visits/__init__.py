"""Book, record, miss, cancel and undo visits."""
