"""What a reminder says, and who is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q

from schedules.domain.readiness.start_flags import START_FLAG
from schedules.domain.reminders import START, Notice
from schedules.models import Flag, Reminder
from trials.models import Membership, Role
from trials.zones import zone_of


def notices_of(reminders: Sequence[int], now: datetime) -> list[Notice]:
    """The notices of these reminders, by id, each to those who coordinate there on this day.

    Two queries, however many reminders; three where one is of a start.
    """
    rows = list(
        Reminder.objects.filter(id__in=reminders)
        .select_related("visit__participant__trial", "visit__participant__site")
        .order_by("id")
    )
    members = _coordinators({row.visit.participant.site_id for row in rows})
    starts = [row.visit.participant_id for row in rows if row.kind == START]
    flags = Flag.objects.filter(participant__in=starts, kind=START_FLAG) if starts else ()
    why = {flag.participant_id: flag.message for flag in flags}
    return [_notice(row, members, now, why.get(row.visit.participant_id, "")) for row in rows]


def _coordinators(sites: Iterable[int]) -> list[Membership]:
    """Who coordinates one of these sites on some day, and has an address."""
    everywhere_or_there = Q(site__isnull=True) | Q(site__in=sites)
    return list(
        Membership.objects.filter(
            everywhere_or_there, role=Role.COORDINATOR, user__is_active=True, withdrawn_at=None
        )
        .exclude(user__email="")
        .select_related("user")
    )


def _notice(row: Reminder, members: Iterable[Membership], now: datetime, why: str) -> Notice:
    visit, participant = row.visit, row.visit.participant
    today = now.astimezone(zone_of(participant.site)).date()
    addresses = {
        member.user.email
        for member in members
        if member.site_id in (None, participant.site_id)
        and member.trial_id in (None, participant.trial_id)
        and member.starts_on <= today <= (member.ends_on or today)
    }
    return Notice(
        reminder=row.pk,
        key=row.key,
        trial=participant.trial.called,
        subject_code=participant.subject_code,
        label=visit.label,
        opens=visit.opens,
        closes=visit.closes,
        addresses=tuple(sorted(addresses)),
        kind=row.kind,
        why=why,
    )
