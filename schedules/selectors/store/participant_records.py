"""Everything that is kept of a participant, record by record."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Model

from participants.models import Participant
from trials.selectors.audit.trail import recorded_models

OWNER = "participant"


def records_of_participant(participant: Participant) -> list[Model]:
    """Every recorded row that belongs to a participant, by kind and number; one query for each kind."""
    return [record for model in _of_participants() for record in _rows(model, participant)]


def _rows(model: type[Model], participant: Participant) -> Iterator[Model]:
    yield from model._default_manager.filter(participant=participant).order_by("pk")  # noqa: SLF001 (public by custom)


def _of_participants() -> Iterator[type[Model]]:
    for model in recorded_models().values():
        names = {field.name for field in model._meta.concrete_fields}  # noqa: SLF001 (public by custom)
        if OWNER in names:
            yield model
