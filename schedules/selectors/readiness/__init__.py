"""What a start, a gate, a hold and the search for day zero are judged by."""
