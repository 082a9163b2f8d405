"""What people do with flags: clear one with a reason, snooze it to a day, give it an owner."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext as _

from schedules.models import Flag, ProtocolWindow
from schedules.selectors.store.course import clock_at
from schedules.services.store.evaluation_marks import mark_for_evaluation
from schedules.services.store.visit_writing import lock_participant
from trials.audit.acts import recorded
from trials.domain.errors import Refused
from trials.models import User
from trials.spoken import sentence

# As long as its column: PostgreSQL refuses a longer text.
_REASON = 300


@recorded
def clear_flag(*, flag: Flag, by: User, reason: str, now: datetime, evidence: str | None = None) -> None:
    """Clear a flag that a person has looked at; it comes back only when the evidence changes.

    `evidence` is the flag's as the person saw it. Raises Refused without a reason, for a flag that is cleared
    already, and for one whose evidence has changed since: nobody has looked at that.
    """
    flag = _open(flag)
    if evidence is not None and evidence != flag.evidence:
        raise Refused({"": [_("This flag says something else since you looked. Look at it again.")]})
    if not reason.strip():
        raise Refused({"reason": [_("Enter why you clear it. The reason is kept in the audit trail.")]})
    flag.cleared_at, flag.cleared_by, flag.cleared_reason = now, by, reason.strip()[:_REASON]
    flag.snoozed_until = None
    flag.save(update_fields=["cleared_at", "cleared_by", "cleared_reason", "snoozed_until"])


LONGEST_SNOOZE = 366
"""Days: a year mistyped would hide a flag for good."""


@recorded
def snooze_flag(*, flag: Flag, until: date, by: User, now: datetime, reason: str = "") -> None:
    """Snooze a flag to a day of its site; it wakes before, where it grows graver. Raises Refused."""
    flag = _open(flag)
    today = clock_at(flag.participant.site, now).today
    if until <= today:
        words = {"day": until, "today": today}
        message = sentence(_("%(day)s is not ahead: give a day after today, %(today)s."), words)
        raise Refused({"until": [message]})
    if (until - today).days > LONGEST_SNOOZE:
        raise Refused({"until": [_("That is more than a year away. Choose a day within a year.")]})
    flag.snoozed_until = until
    flag.save(update_fields=["snoozed_until"])
    mark_for_evaluation([flag.participant_id], now)


@recorded
def wake_flag(*, flag: Flag, until: date | None, by: User, now: datetime, reason: str = "") -> Flag:
    """Take back that a flag was snoozed until a day, or without one that `by` cleared it: it is open again.

    Raises Refused where something else has become of it since.
    """
    flag = _held(flag)
    if flag.cleared_at is None and flag.snoozed_until is None:
        return flag
    mine = flag.cleared_by_id == by.pk if until is None else flag.cleared_at is None
    if not mine or flag.snoozed_until != until:
        raise Refused({"": [_("Somebody has dealt with this flag since: look at the list again.")]})
    flag.snoozed_until, flag.cleared_at, flag.cleared_by, flag.cleared_reason = None, None, None, ""
    flag.save(update_fields=["snoozed_until", "cleared_at", "cleared_by", "cleared_reason"])
    mark_for_evaluation([flag.participant_id], now)
    return flag


@recorded
def assign_flag(*, flag: Flag, owner: User | None, by: User, now: datetime, reason: str = "") -> None:
    """Give a flag to somebody, or to nobody. Raises Refused for a flag that is cleared already."""
    flag = _open(flag)
    flag.owner = owner
    flag.save(update_fields=["owner"])


def _open(flag: Flag) -> Flag:
    """The flag as it stands, locked; raises Refused where it is cleared already."""
    flag = _held(flag)
    if flag.cleared_at is not None:
        raise Refused({"": [_("This flag was cleared meanwhile: look at the list again.")]})
    return flag


def _held(flag: Flag) -> Flag:
    """The flag as it stands, locked after its participant and their windows.

    A sweep reads flags and writes them under the lock of the windows: it would write over what was
    said meanwhile, and who holds the flag and then asks for the window would wait for it for ever.
    """
    lock_participant(flag.participant_id)
    windows = ProtocolWindow.objects.filter(participant=flag.participant_id).order_by("pk")
    list(windows.select_for_update(of=("self",), no_key=True).values_list("pk"))
    flags = Flag.objects.select_related("participant__site")
    return flags.select_for_update(of=("self",), no_key=True).get(pk=flag.pk)
