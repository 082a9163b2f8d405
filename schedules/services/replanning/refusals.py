"""What a re-planning refuses, each with the preview of what it would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schedules.domain.errors import ReplanningRefused, ReplanningStale, VisitRefused
from schedules.services.replanning.previews import Preview


class Previewed:
    """A refusal that holds what would follow, where it is possible with a reason or once it was looked at."""

    preview: Preview


class PreviewStale(Previewed, ReplanningStale):
    """What was shown is no longer so; `preview` holds what the same proposal or step would do now."""

    def __init__(self, preview: Preview) -> None:
        self.preview = preview
        super().__init__()


class DepartureNeedsReason(Previewed, ReplanningRefused):
    """What is put on record departs from the protocol, and nobody says why; `preview` shows what follows."""

    def __init__(self, message: str, preview: Preview) -> None:
        self.preview = preview
        super().__init__(message)


class StartNeedsReason(DepartureNeedsReason):
    """The list of readiness says no, and nobody says why the start went ahead; the message says what."""


class VisitMovesOthers(Previewed, VisitRefused):
    """What is put on record of a visit moves others or departs from the protocol; `preview` shows how."""

    def __init__(self, fields: Mapping[str, Sequence[str]], preview: Preview) -> None:
        self.preview = preview
        super().__init__(fields)

    def said_as(self, fields: Mapping[str, Sequence[str]]) -> VisitMovesOthers:
        """Give the same refusal with other words at its fields."""
        return VisitMovesOthers(fields, self.preview)
