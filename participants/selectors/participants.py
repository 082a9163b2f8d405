"""What can be read of participants: always within what the reader may see."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date

from django.db import connection
from django.db.models import Q, QuerySet

from participants.domain.anchors import RecordedAnchor
from participants.domain.fact_rows import FactRow
from participants.domain.lifecycle import ENDS, MOVES, Extent, Step
from participants.models import Anchor, Fact, Participant
from participants.models.participant import CodeTail
from trials.domain.accounts.access import Right
from trials.models import Trial, User
from trials.selectors.records import read_once, roles_of, within

_MANY = 500
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{0,31}", re.ASCII)
_NUMBER = 3


MOST_BY_PERSON = 500
"""The rows of so many people at most are looked up person by person."""


def participants_visible_to(user: User, today: date) -> QuerySet[Participant]:
    """The participants at the sites and in the trials that a user may look into on this day."""
    return Participant.objects.filter(within(roles_of(user, today), Right.VIEW))


def of_participants_visible_to(user: User, today: date) -> Q:
    """The condition on rows of the participants that a user may look into on this day.

    It speaks of the participant that the rows are joined with: a list of ids beside such a join has each of a
    site's people looked up twice, and where all are seen it has everybody looked up.
    """
    return within(roles_of(user, today), Right.VIEW, site="participant__site", trial="participant__trial")


def ids_of_few(people: QuerySet[Participant]) -> list[int] | None:
    """The ids of those by whom a list is read person by person; None where they are more than MOST_BY_PERSON.

    One query, which looks at so many of them. A planner takes the people of one site to be spread over a
    table. Those of a site that joined last stand at its end: walking along the table's ids to them passes
    everybody else. A list of their ids is looked up in an index in one go, and not from its root for each.
    """
    found = list(people.order_by().values_list("pk", flat=True)[: MOST_BY_PERSON + 1])
    return found if len(found) <= MOST_BY_PERSON else None


def few_in_sight(
    user: User, today: date, site: int | None = None, trial: int | None = None
) -> list[int] | None:
    """`ids_of_few` of the participants in sight at a site and in a trial (ids; None for any).

    One query, or none where a page that only shows has asked before.
    """
    people = participants_visible_to(user, today).filter(**_at(site, trial))
    return read_once(("few", roles_of(user, today), site, trial), lambda: ids_of_few(people))


def of_few_or_visible_to(user: User, today: date, site: int | None = None, trial: int | None = None) -> Q:
    """The condition on rows of the participants in sight at a site and in a trial (ids; None for any).

    Few are named by their ids: of a join with them a planner takes their rows for spread over the table, and
    may pass everybody else's.
    """
    few = few_in_sight(user, today, site, trial)
    if few is not None:
        return Q(participant__in=few)
    return of_participants_visible_to(user, today) & Q(**_at(site, trial, "participant__"))


def _at(site: int | None, trial: int | None, path: str = "") -> dict[str, int]:
    return {f"{path}{name}": pk for name, pk in (("site", site), ("trial", trial)) if pk}


def participants_who_moved() -> QuerySet[Participant]:
    """The participants who were transferred from one site to another, wherever they are now."""
    return Participant.objects.filter(steps__step=Step.TRANSFER)


def anchor_days(participant: Participant) -> dict[str, RecordedAnchor]:
    """The anchors on record of a participant, by their codes; one query, or none where prefetched."""
    return {anchor.code: recorded(anchor) for anchor in participant.anchors.all()}


def subject_codes_in_use(trial: Trial, codes: Sequence[str]) -> set[str]:
    """Those of the subject codes that somebody in the trial has."""
    used = Participant.objects.filter(trial=trial)
    if len(codes) > _MANY:  # more than a statement may name: ask for all there are
        return set(used.values_list("subject_code", flat=True)).intersection(codes)
    return set(used.filter(subject_code__in=codes).values_list("subject_code", flat=True))


def subject_codes_of(participants: QuerySet[Participant], ids: Collection[int]) -> dict[int, str]:
    """The subject codes of those of the participants whose ids are named, by id."""
    return dict(participants.filter(pk__in=ids).values_list("pk", "subject_code"))


def course_ended() -> Q:
    """The condition on steps of a course by which the protocol's visits end; an end of treatment is none."""
    ending = [step.value for step, move in MOVES.items() if move.to in ENDS]
    return Q(step__in=ending) & ~Q(ends=Extent.TREATMENT.value)


def participants_called(participants: QuerySet[Participant], text: str) -> QuerySet[Participant]:
    """Those of the participants in whose subject code a text stands, capitals or not."""
    return participants.filter(subject_code__icontains=text)


def participants_coded(participants: QuerySet[Participant], text: str) -> QuerySet[Participant]:
    """Those whose subject code begins with a text, or ends with it where it is a number: both by an index.

    A number is looked for with and without leading zeros: 3 finds S01-003. None for what no code begins with.
    """
    code = text.strip().upper()
    if not _CODE.fullmatch(code):
        return participants.none()
    found = _beginning(code)
    if code.isdecimal():
        tail = code.zfill(_NUMBER)
        found |= Q(code_tail=tail[-_NUMBER:], subject_code__endswith=tail)
    return participants.alias(code_tail=CodeTail("subject_code")).filter(found)


def _beginning(code: str) -> Q:
    """The condition that a code begins so, as each database looks along its index."""
    if connection.vendor == "sqlite":
        return Q(subject_code__gte=code, subject_code__lt=f"{code}~")
    return Q(subject_code__startswith=code)


def recorded(anchor: Anchor) -> RecordedAnchor:
    """A stored anchor as a value."""
    return RecordedAnchor(
        anchor.code,
        anchor.planned_on,
        anchor.planned_at,
        anchor.actual_on,
        anchor.actual_at,
        anchor.actual_zone,
    )


def fact_row(fact: Fact) -> FactRow:
    """A stored fact's columns; `participants.domain.fact_rows` makes a value of them."""
    return FactRow(
        fact.kind,
        fact.of,
        fact.starts_on,
        fact.starts_at,
        fact.ends_on,
        fact.ends_at,
        fact.detail,
        str(fact.pk),
        fact.starts_zone,
        fact.ends_zone,
    )
