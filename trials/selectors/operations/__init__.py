"""How the running system is: tasks, backups, the seal of the trail, clocks, migrations."""
