"""What people say of deviations: described and classified, withdrawn and brought back, upheld; and the sweep.

Every service takes the version of the deviation that was shown; anyone who was slower gets Stale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime

from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from participants.models import Participant
from schedules.domain.deviations.drafts import Assessment, DeviationKind, Lapse, refusals_of_assessment
from schedules.domain.deviations.recording_days import last_recorded
from schedules.models import Deviation, Visit, VisitPlace
from schedules.selectors.store.calendars import site_calendars, today_at
from schedules.selectors.visits.status_query import at_each, base_happened
from schedules.services.store.deviation_drafts import draft_of_visits
from trials.audit.acts import recorded
from trials.bounded import HasTime, always
from trials.domain.errors import Refused, Stale
from trials.models import Site, User
from trials.spoken import refuse, require_reason, sentence

RECORD = "schedules.deviation"
BATCH = 500
"""How many visits a sweep looks at in one transaction."""
# As long as its column: PostgreSQL refuses a longer text.
_REASON = 500


@recorded
def assess_deviation(
    *, deviation: Deviation, version: int, said: Assessment, by: User | None, reason: str = "", now: datetime
) -> Deviation:
    """Put on record what a person says of a deviation; what was classified changes only with a reason.

    A signature on what stood before is void from then on. Raises Refused for a class without all
    that belongs to it, reports out of their time and a deviation that was withdrawn; Stale.
    """
    deviation = _locked(deviation, version)
    _refuse_withdrawn(deviation)
    today = today_at(deviation.participant.site, now)
    refuse(refusals_of_assessment(said, deviation.occurred_on, today))
    if deviation.classification and not reason.strip():
        raise Refused({"reason": [_("It is already classified. Enter why the classification changes.")]})
    values = {name: text.strip() if isinstance(text, str) else text for name, text in asdict(said).items()}
    return _save(deviation, **values)


@recorded
def assess_several(
    *, deviations: Mapping[int, int], said: Assessment, by: User | None, reason: str = "", now: datetime
) -> int:
    """Put the same on record of several deviations: all of them, or none; gives how many.

    `deviations` are the versions shown, by id. Raises what `assess_deviation` does; where one refuses, the
    message names whose it is and when it occurred.
    """
    found = Deviation.objects.select_related("participant").filter(pk__in=deviations).order_by("pk")
    for one in found:
        try:
            assess_deviation(
                deviation=one, version=deviations[one.pk], said=said, by=by, reason=reason, now=now
            )
        except Refused as refused:
            whose = {"subject": one.participant.subject_code, "day": one.occurred_on}
            first = _("Of %(subject)s, %(day)s:") % whose
            fields = {name: [f"{first} {word}" for word in words] for name, words in refused.fields.items()}
            raise Refused(fields) from refused
    return len(found)


@recorded
def withdraw_deviation(
    *, deviation: Deviation, version: int, by: User | None, reason: str, now: datetime
) -> Deviation:
    """Say that there was no deviation, with a reason; the log keeps the draft. Raises Refused and Stale."""
    deviation = _locked(deviation, version)
    _refuse_withdrawn(deviation)
    _refuse_without(reason)
    today = today_at(deviation.participant.site, now)
    return _save(deviation, withdrawn_on=today, withdrawn_reason=reason.strip()[:_REASON])


@recorded
def reinstate_deviation(
    *, deviation: Deviation, version: int, by: User | None, reason: str, now: datetime
) -> Deviation:
    """Bring back a deviation that was withdrawn, with a reason. Raises Refused and Stale."""
    deviation = _locked(deviation, version)
    if deviation.withdrawn_on is None:
        raise Refused({"": [_("This deviation is not withdrawn: there is nothing to bring back.")]})
    _refuse_without(reason)
    return _save(deviation, withdrawn_on=None, withdrawn_reason="")


@recorded
def uphold_deviation(
    *, deviation: Deviation, version: int, by: User | None, reason: str, now: datetime
) -> Deviation:
    """Say that a deviation still holds although the record no longer shows it, with a reason.

    From then on it stands by that word, whatever the record shows. Raises Refused and Stale.
    """
    deviation = _locked(deviation, version)
    _refuse_withdrawn(deviation)
    if deviation.lapsed_on is None:
        raise Refused({"": [_("The record shows this deviation: there is nothing to uphold.")]})
    _refuse_without(reason)
    return _save(deviation, lapsed_on=None, lapsed_because=Lapse.UPHELD)


def sweep_unrecorded(*, now: datetime, batch: int = BATCH, has_time: HasTime = always) -> int:
    """Draft a deviation for every visit whose window closed without any record, and give how many.

    Nothing is written to the visit: that nobody came is a person's to say, and a record that comes
    late closes the draft again. One indexed look where there is nothing new; a second sweep at the
    same time takes up what the first has not.
    """
    drafted, looked_at = 0, set[int]()
    while has_time() and not looked_at.issuperset(pks := _unrecorded(now, batch)):
        looked_at.update(pks)  # what another holds is left to the next sweep
        drafted += _draft_batch(pks=pks, now=now, by=None)
    return drafted


def _unrecorded(now: datetime, batch: int) -> list[int]:
    """Live visits whose window has closed at their site, and of which no draft says so.

    What took place on the ward while the clinic was shut can be recorded until the next clinic day is over.
    A window whose base has not happened does not close; it is looked at again once that is on record.
    The draft of each is looked up by itself: of NOT EXISTS PostgreSQL makes a join, and where it last saw
    the table nearly empty it reads all deviations once for each visit.
    """
    closed = at_each(_recorded_until(now), _closed)
    drafted = Deviation.objects.filter(
        visit=OuterRef("pk"), kind=DeviationKind.UNRECORDED, lapsed_on__isnull=True
    )
    live = Visit.objects.running().filter(
        closed, participant__trial__frozen_on=None, participant__history_since=None
    )
    live = live.alias(draft=Subquery(drafted.order_by().values("pk")[:1])).filter(draft=None)
    planned = live.exclude(unscheduled=True, timing="offset")  # an added visit waits for its record
    return list(planned.order_by("closes", "pk").values_list("pk", flat=True)[:batch])


def _recorded_until(now: datetime) -> dict[tuple[date, date], list[int]]:
    """The ids of the sites by their day, and the last day whose ward visits were to be recorded before it."""
    places, found = site_calendars(Site.objects.all()), dict[tuple[date, date], list[int]]()
    for site in places.sites:
        today = today_at(site, now)
        key = (today, last_recorded(today, places.working_days.get(site.pk)))
        found.setdefault(key, []).append(site.pk)
    return found


def _closed(days: tuple[date, date]) -> Q:
    today, ward_until = days
    on_ward = Q(place=VisitPlace.WARD)
    over = Q(closes__lt=today) & (~on_ward | Q(closes__lte=ward_until))
    return over & base_happened(today)


@recorded
def _draft_batch(*, pks: Sequence[int], now: datetime, by: User | None) -> int:
    people = Participant.objects.filter(visits__in=pks).order_by("pk").values("pk")
    # Those who are being changed now are passed over: that change drafts, or else the next sweep.
    free = Participant.objects.filter(pk__in=people).select_for_update(
        of=("self",), skip_locked=True, no_key=True
    )
    mine = list(Visit.objects.filter(pk__in=pks, participant__in=list(free)).values_list("pk", flat=True))
    draft_of_visits(mine, now)
    return len(mine)


def _locked(deviation: Deviation, version: int) -> Deviation:
    related = Deviation.objects.select_related("participant__site")
    found = related.select_for_update(of=("self",), no_key=True).get(pk=deviation.pk)
    if found.version != version:
        raise Stale(RECORD, found.pk, version, found.version)
    return found


def _save(deviation: Deviation, **values: object) -> Deviation:
    for name, value in values.items():
        setattr(deviation, name, value)
    deviation.version += 1
    deviation.save(update_fields=[*values, "version"])
    return deviation


def _refuse_withdrawn(deviation: Deviation) -> None:
    if deviation.withdrawn_on:
        words = {"day": deviation.withdrawn_on}
        raise Refused({"": [sentence(_("It was withdrawn on %(day)s: bring it back first."), words)]})


def _refuse_without(reason: str) -> None:
    require_reason(reason)
