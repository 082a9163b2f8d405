"""Commands that say what is wrong with their arguments in one line, and leave with 2."""

from __future__ import annotations

from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser

BAD_INPUT = 2


class OneLineCommand(BaseCommand):
    """A command without a database whose parser refuses in one line, also when called from the shell."""

    requires_system_checks = ()

    def remedy(self) -> str:
        """Return what stands behind a refusal of the arguments."""
        raise NotImplementedError

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Make the ordinary parser, with errors of one line; Django catches none at that point."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.error = self._refuse  # type: ignore[method-assign]
        return parser

    def _refuse(self, message: str) -> NoReturn:
        self.stderr.write(f"CommandError: {message}{self.remedy()}")
        raise SystemExit(BAD_INPUT)


def one_line_error(message: str) -> CommandError:
    """Return the error of a command whose arguments are wrong."""
    return CommandError(" ".join(message.split()), returncode=BAD_INPUT)
