"""What the running system keeps of itself: runs of tasks, backups, and what a restore has to set right."""
