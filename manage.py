#!/usr/bin/env python
"""Dayzero's command line; it needs nothing in the environment."""

import os
import sys


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 (after the settings' name)

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
