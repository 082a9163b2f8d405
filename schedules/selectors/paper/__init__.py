"""What is printed: the lists of a site for the wall and for when the system is down."""
