"""What can be read of users, sites, trials, versions and the trail."""
