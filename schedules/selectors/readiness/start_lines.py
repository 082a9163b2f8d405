"""Lines of the list that said no of a start, and deviations of the same cause: one cause, one draft."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet

from schedules.domain.deviations.drafts import VISIT_KINDS, DeviationKind
from schedules.domain.readiness.start_context import Answer, Item
from schedules.models import Deviation, ReadinessCheck

OwnLine = tuple[Item, str]
"""A line with what it is of: a visit or a test, by its label."""


def drafted_lines(participant: int) -> AbstractSet[OwnLine]:
    """The visits and tests of a participant that a deviation of their own stands for; one query."""
    standing = Deviation.objects.filter(participant=participant, withdrawn_on=None, lapsed_on=None)
    rows = standing.filter(kind__in=[*VISIT_KINDS, DeviationKind.WINDOW])
    found = set[OwnLine]()
    for visit, window in rows.values_list("visit__label", "window__label"):
        found |= {(Item.VISIT, visit)} if visit else {(Item.TEST, window)} if window else set()
    return found


def started_against(participants: Collection[int]) -> Mapping[int, AbstractSet[OwnLine]]:
    """The visits and tests that drafted starts of these participants say no of; two queries, or one."""
    starts = Deviation.objects.filter(
        participant__in=participants, kind=DeviationKind.START, withdrawn_on=None, lapsed_on=None
    )
    days = set(starts.values_list("participant_id", "occurred_on"))
    if not days:
        return {}
    found: dict[int, set[OwnLine]] = defaultdict(set)
    checks = ReadinessCheck.objects.filter(participant__in={pk for pk, _day in days})
    for pk, day, verdicts in checks.values_list("participant_id", "for_day", "verdicts"):
        if (pk, day) in days:
            found[pk] |= _said_no(verdicts.get("lines", ()))
    return found


def _said_no(lines: Collection[Mapping[str, str]]) -> set[OwnLine]:
    own = {Item.VISIT.value, Item.TEST.value}
    return {
        (Item(line["item"]), line["of"])
        for line in lines
        if line.get("item") in own and line.get("answer") == Answer.NO.value
    }
