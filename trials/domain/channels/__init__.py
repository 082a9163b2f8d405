"""The ways by which messages leave: which there are, where they may go, how much one of them takes."""
