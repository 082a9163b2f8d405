"""What trials and sites have set of their reminders."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import QuerySet

from schedules.domain.reminders.people import Capacity
from schedules.domain.reminders.rules import BY_KIND, Manner
from schedules.domain.reminders.settings import RECIPIENTS, Setting, read_days
from schedules.models import ReminderSetting

Said = dict[tuple[int, int | None, str], Setting]


def settings_said(trials: Collection[int]) -> Said:
    """The settings of these trials and their sites, by trial, site and kind; one query."""
    return said_by_place(settings_rows(trials))


def settings_rows(trials: Collection[int] | QuerySet[Any, Any]) -> QuerySet[ReminderSetting]:
    """The stored settings of these trials and their sites."""
    return ReminderSetting.objects.filter(trial__in=trials)


def said_by_place(rows: Iterable[ReminderSetting]) -> Said:
    """Settings that were read already, by trial, site and kind."""
    return {(row.trial_id, row.site_id, row.kind): setting_of(row) for row in rows}


def setting_of(row: ReminderSetting) -> Setting:
    """A stored setting as a value."""
    named = [Capacity(word) for word in row.recipients.split() if word in set(RECIPIENTS)]
    return Setting(
        active=row.active,
        days=read_days(row.days, BY_KIND[row.kind]) if row.days and row.kind in BY_KIND else None,
        recipients=tuple(named) or None,
        manner=Manner(row.manner) if row.manner else None,
        earliest=row.earliest,
        latest=row.latest,
        working_days=row.working_days,
        escalates=row.escalate_after,
    )
