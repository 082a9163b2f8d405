"""What is signed, approved and consented to."""
