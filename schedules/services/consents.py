"""A consent given: on record, and the day that the calendar counts from where none was set."""

from __future__ import annotations

from datetime import date, datetime

from participants.domain.anchors import RecordedAnchor
from participants.domain.errors import ConsentRefused
from participants.models import Anchor, Consent, Participant
from participants.services.consent import CONSENT, write_consent
from schedules.domain.errors import ReplanningRefused
from schedules.selectors.course import clock_at
from schedules.services.replanning import record_anchor
from trials.acts import recorded
from trials.models import ConsentForm, User
from trials.selectors import protocol_of


@recorded
def record_consent(
    *, participant: Participant, form: ConsentForm, signed_on: date, now: datetime, by: User | None
) -> Consent:
    """A consent on record; the first one gives its day to the anchor `consent`, and the plan follows.

    Raises ConsentRefused for a day in the future or before the form was used, a form that was
    consented to, and a first consent of another day than the anchor on record.
    """
    today = clock_at(participant.site, now).today
    consent = write_consent(participant=participant, form=form, signed_on=signed_on, today=today, by=by)
    known = CONSENT in protocol_of(participant.protocol_version).anchor_by_code
    anchors = Anchor.objects.filter(participant=participant, code=CONSENT, actual_on__isnull=False)
    if known and not anchors.exists():
        anchor = RecordedAnchor(CONSENT, actual_on=signed_on)
        try:
            record_anchor(participant=participant, anchor=anchor, now=now, by=by)
        except ReplanningRefused as refused:
            raise ConsentRefused({"signed_on": [str(refused)]}) from refused
    return consent
