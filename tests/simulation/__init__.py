"""A simulated coordinator who does only what Today asks, in a world with slips, fevers and full rooms."""
