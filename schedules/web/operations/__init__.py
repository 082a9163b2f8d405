"""How the installation is, for those who administer everything."""
