"""Small faults planted in a copy of the code, to see whether the tests notice them."""
