"""Set-up in the admin: accounts, sites, trials and their protocols."""

from trials.admin import accounts, sites, studies

__all__ = ["accounts", "sites", "studies"]
