"""What a trial or a site sets of its reminders, and where nothing is said for a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from participants.models import Participant, ParticipantCoordinator
from schedules.domain.reminders.rules import BY_KIND
from schedules.domain.reminders.settings import Setting, Wanted, layers_for, wanted, written_days
from schedules.models import ReminderPause, ReminderSetting
from schedules.selectors.reminders.candidates import base_of
from schedules.selectors.reminders.wanted import settings_said
from trials.audit.acts import recorded
from trials.domain.errors import Refused, Stale
from trials.models import Site, Trial, User
from trials.spoken import require_reason, sentence

RECORD = "schedules.remindersetting"
LONGEST = timedelta(days=366)


def above(trial: Trial, site: Site | None, kind: str) -> Wanted:
    """What holds of a rule at a place where the place itself says nothing of it."""
    said = settings_said([trial.pk])
    own = (trial.pk, site.pk if site else None, kind)
    layers = layers_for(
        kind, trial.pk, site.pk if site else None, {k: v for k, v in said.items() if k != own}
    )
    return wanted(BY_KIND[kind], layers, base_of(kind))


@recorded
def set_rule(
    *,
    trial: Trial,
    site: Site | None,
    kind: str,
    to: Setting,
    version: int,
    by: User | None,
    reason: str = "",
) -> None:
    """Set a rule (`kind` empty: all of them) at a place; what equals the place above is not kept.

    A setting that says nothing any more is removed; the trail keeps it. Raises Stale where somebody changed
    it since it was shown.
    """
    with transaction.atomic():
        # The trial and not the row, which is not there yet where two set a rule for the first time.
        Trial.objects.select_for_update(no_key=True).only("pk").get(pk=trial.pk)
        row = ReminderSetting.objects.filter(trial=trial, site=site, kind=kind).first()
        present = row.version if row else 0
        if present != version:
            raise Stale(RECORD, row.pk if row else 0, version, present)
        own = _differing(to, above(trial, site, kind)) if kind else to
        if own.says_nothing:
            if row:
                row.delete()
            return
        row = row or ReminderSetting(trial=trial, site=site, kind=kind, version=0)
        _put_into(row, own)
        row.version += 1
        row.save()


def _put_into(row: ReminderSetting, own: Setting) -> None:
    """Give a row the columns of a setting, as `selectors.reminders.wanted.setting_of` reads them."""
    row.active = own.active
    row.days = written_days(own.days) if own.days is not None else ""
    row.recipients = " ".join(own.recipients or ())
    row.manner = own.manner or ""
    row.earliest, row.latest = own.earliest, own.latest
    row.working_days, row.escalate_after = own.working_days, own.escalates


def _differing(to: Setting, holds: Wanted) -> Setting:
    """Leave of a setting what differs from what holds above."""
    names = [name for name in Setting.__dataclass_fields__ if getattr(to, name) != getattr(holds, name)]
    return Setting(**{name: getattr(to, name) for name in names})


@dataclass(frozen=True, slots=True)
class Pause:
    """Of whom or what nothing is said, or to whom, on which days, and why; both days are inside."""

    first: date
    last: date
    reason: str
    participant: Participant | None = None
    trial: Trial | None = None
    person: User | None = None


@recorded
def pause_reminders(*, pause: Pause, today: date, by: User | None, reason: str = "") -> ReminderPause:
    """Let nothing be said of a participant, in a trial or to a person, until a day.

    Raises Refused without a reason, for days out of order, a last day that is over, or more than a year.
    """
    wrong: dict[str, list[str]] = {}
    if not pause.reason.strip():
        require_reason("")
    if pause.last < pause.first:
        words = _("It ends on %(last)s, before it begins on %(first)s: give %(first)s or a later day.")
        wrong["last"] = [sentence(words, {"first": pause.first, "last": pause.last})]
    elif pause.last < today:
        words = _("%(last)s is over: give today, %(today)s, or a later day.")
        wrong["last"] = [sentence(words, {"last": pause.last, "today": today})]
    elif pause.last - pause.first > LONGEST:
        wrong["last"] = [_("That is longer than a year: reminders would be forgotten.")]
    if wrong:
        raise Refused(wrong)
    return ReminderPause.objects.create(
        participant=pause.participant,
        trial=pause.trial,
        person=pause.person,
        first=pause.first,
        last=pause.last,
        reason=pause.reason.strip()[:300],
    )


@recorded
def end_pause(*, pause: ReminderPause, by: User | None, reason: str = "") -> None:
    """Let be said again what is true; ending twice changes nothing."""
    standing = ReminderPause.objects.select_for_update(no_key=True).get(pk=pause.pk)
    if not standing.ended:
        standing.ended = True
        standing.save(update_fields=["ended"])


@recorded
def name_coordinator(
    *, participant: Participant, user: User | None, by: User | None, reason: str = ""
) -> None:
    """Say who looks after a participant and is told first; None leaves it to all of the site."""
    # The participant and not the row, which is not there yet where two name somebody for the first time.
    Participant.objects.select_for_update(no_key=True).only("pk").get(pk=participant.pk)
    if user is None:
        ParticipantCoordinator.objects.filter(participant=participant).delete()
        return
    row = ParticipantCoordinator.objects.filter(participant=participant).first()
    row = row or ParticipantCoordinator(participant=participant)
    row.user = user
    row.save()
