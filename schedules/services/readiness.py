"""The point of no return on record: with the list of what was known, and the reason where it said no."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from django.utils.translation import gettext as _

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.domain.errors import StartNeedsReason
from schedules.domain.plan import Plan
from schedules.domain.readiness import Readiness, readiness_of
from schedules.domain.start import ITEM_LABELS, Answer, start_codes
from schedules.models import ReadinessCheck
from schedules.selectors.readiness import start_of
from trials.acts import recorded
from trials.models import User


def start_put_on_record(
    plan: Plan, before: Mapping[str, RecordedAnchor], after: Mapping[str, RecordedAnchor]
) -> tuple[str, date] | None:
    """The point of no return, where these anchors put its actual day on record for the first time."""
    codes = start_codes(plan)
    if any(before[code].actual_on for code in codes if code in before):
        return None
    days = ((code, after[code].actual_on) for code in codes if code in after)
    return next(((code, day) for code, day in days if day), None)


@recorded
def check_start(
    *,
    participant: Participant,
    plan: Plan,
    start: tuple[str, date],
    by: User | None,
    reason: str,
    now: datetime,
) -> ReadinessCheck:
    """Keep the list of what was known when chemotherapy, or the infusion without it, began.

    `plan` is the calendar with the start, `start` its anchor and day. Raises StartNeedsReason where
    a line says no and nobody says why it began all the same; a closed gate is refused elsewhere.
    """
    anchor, day = start
    ground = start_of(participant, now)
    readiness = Readiness(day, readiness_of(ground, plan, day), plan, anchor)
    if readiness.answer is Answer.NO and not reason.strip():
        raise StartNeedsReason(_asked(readiness))
    return ReadinessCheck.objects.create(
        participant=participant,
        for_day=day,
        checked_at=now,
        checked_by=by,
        verdicts={
            "answer": readiness.answer.value,
            "anchor": anchor,
            "reason": reason.strip(),
            "lines": readiness.document(),
        },
    )


def _asked(readiness: Readiness) -> str:
    """What speaks against the start, and that a reason is asked for."""
    lines = readiness.answering(Answer.NO)
    against = " ".join(f"{_(ITEM_LABELS[line.item])}: {line.text(_)}" for line in lines)
    message = _("The list for %(day)s says no. %(against)s Say why it began all the same: it goes on record.")
    return message % {"day": readiness.day, "against": against}
