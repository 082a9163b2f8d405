"""One visit: its status, the rules of its life, its order among others, what its calendar allows."""
