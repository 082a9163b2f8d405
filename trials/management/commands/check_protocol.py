"""Prints everything that is wrong with a protocol document, and everything that makes one wonder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from trials.domain.errors import Problem, ProtocolInvalid, Severity
from trials.formats.protocols import library
from trials.formats.protocols.yaml import load, read_document
from trials.management.one_line import OneLineCommand, one_line_error

FAULTY = 1


class Command(OneLineCommand):
    """`manage.py check_protocol FILE`: exit 0, 1 with faults, 2 where the file cannot be read."""

    help = "Print all faults and warnings of a protocol document, one a line."

    def remedy(self) -> str:
        """Return what stands behind a refusal of the arguments."""
        return f"; give {_possible()}"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the document's path or the code of a shipped trial."""
        parser.add_argument("file", metavar="FILE", help=_possible())

    def handle(self, *args: Any, **options: Any) -> None:
        """Read the file, print each problem, and leave with the code that says how bad it is."""
        given: str = options["file"]
        file = library.path(given) if given in library.names() else Path(given)
        name = str(_shown(file))
        try:
            problems = load(read_document(file), name).warnings
        except ProtocolInvalid as error:
            problems = error.problems
        except (OSError, ValueError) as error:  # a path with a null character is a ValueError
            reason = getattr(error, "strerror", None) or error
            raise one_line_error(f"{given} cannot be read: {reason}; give {_possible()}") from error
        for problem in problems:
            self.stdout.write(_line(problem, name))
        faults = sum(problem.severity is Severity.FAULT for problem in problems)
        self.stdout.write(
            f"{name}: {_counted(faults, 'fault')}, {_counted(len(problems) - faults, 'warning')}"
        )
        if faults:
            raise SystemExit(FAULTY)


def _line(problem: Problem, name: str) -> str:
    """One problem on one line: where, how bad, what, and what would be right."""
    place = name if problem.line is None else f"{name}:{problem.line}"
    text = f"{place}: {problem.severity}: {problem}"
    return " ".join(text.split())


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _shown(file: Path) -> Path:
    """The path from where the command runs, if the file lies below."""
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


def _possible() -> str:
    return f"the path of a document, or one of {', '.join(library.codes())}"
