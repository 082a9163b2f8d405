"""Takes in a protocol document as the draft of a version: a shipped edition, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trials.audit.acts import caused_by
from trials.domain.errors import ProtocolInvalid
from trials.formats.protocols import library
from trials.formats.protocols.yaml import read_document
from trials.services.protocols.publishing import VersionPublished, import_protocol


class Command(BaseCommand):
    """`manage.py import_protocol NAME`: the draft that a designer publishes in the admin."""

    help = "Take in a protocol document as a draft: a shipped edition by its name, or a file."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the edition's name or the document's path."""
        possible = ", ".join(sorted(library.names()))
        parser.add_argument("name", metavar="NAME", help=f"the path of a document, or one of {possible}")

    def handle(self, *args: Any, **options: Any) -> None:
        """Take the document in, and say what is wrong with it where it cannot be."""
        given: str = options["name"]
        file = library.path(given) if given in library.names() else Path(given)
        try:
            text = read_document(file).decode("utf-8")
            with caused_by("import_protocol"):
                version = import_protocol(text=text, by=None)
        except (OSError, ValueError) as error:
            raise CommandError(
                f"{given} cannot be read: {error}; give a path or the name of an edition"
            ) from error
        except (ProtocolInvalid, VersionPublished) as error:
            raise CommandError(str(error)) from error
        state = (
            "is published already"
            if version.published_at
            else "is taken in as a draft; publish it in the admin"
        )
        self.stdout.write(f"{version} {state}.")
