"""Status changes of a participant, holds and repeated lymphodepletion."""
