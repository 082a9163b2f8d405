"""What an act brought about besides itself: flags that it raised, deviations that it drafted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from participants.models import Participant
from schedules.models import Deviation, Flag


@dataclass(frozen=True, slots=True)
class Standing:
    """The open flags of a participant with their severities, and the deviations that stand, by their ids."""

    flags: frozenset[tuple[int, str]]
    deviations: frozenset[int]


@dataclass(frozen=True, slots=True)
class Consequences:
    """The flags that are new or graver since, and the deviations that were drafted since."""

    flags: Sequence[Flag]
    deviations: Sequence[Deviation]


def standing_now(participant: Participant) -> Standing:
    """Read what stands of a participant; two queries."""
    flags = Flag.objects.filter(participant=participant, cleared_at=None)
    drafts = Deviation.objects.filter(participant=participant, withdrawn_on=None, lapsed_on=None)
    return Standing(
        frozenset(flags.values_list("pk", "severity")), frozenset(drafts.values_list("pk", flat=True))
    )


def consequences_since(participant: Participant, before: Standing) -> Consequences:
    """Find what stands now and did not before; two queries, two more where there is anything."""
    after = standing_now(participant)
    raised = {pk for pk, _severity in after.flags - before.flags}
    drafted = after.deviations - before.deviations
    flags = Flag.objects.filter(pk__in=raised).select_related("window").order_by("pk") if raised else ()
    related = ("visit", "window")
    found = Deviation.objects.filter(pk__in=drafted).select_related(*related) if drafted else None
    return Consequences(list(flags), list(found.order_by("pk")) if found is not None else [])
