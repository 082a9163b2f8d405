"""A history taken over: everything written first, judged and drafted once, with one reason.

While a history is being entered the sweeps wait for it: a visit that is not typed yet has not been missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from participants.models import Participant
from schedules.domain.errors import VisitRefused
from schedules.domain.visits.values import Completion
from schedules.models import ProtocolWindow, Visit
from schedules.selectors.store.calendars import today_at
from schedules.services.store.deviation_drafts import draft_of_visits
from schedules.services.store.visit_writing import lock_participant
from schedules.services.visits.appointments import complete_visit, miss_visit
from schedules.services.windows.evaluation import judge_participants
from trials.audit.acts import recorded
from trials.domain.errors import Refused
from trials.models import User
from trials.spoken import require_reason


@dataclass(frozen=True, slots=True)
class PastVisit:
    """What became of one visit, by its code: done on a day (and hour), or missed where `on` is None."""

    code: str
    on: date | None
    at: datetime | None = None
    reason: str = ""


@recorded
def open_history(*, participant: Participant, by: User | None, reason: str, now: datetime) -> Participant:
    """Say that a participant's history is being entered: from now on nothing of theirs is judged or drafted.

    Raises Refused without a reason, and where one is being entered already.
    """
    person = lock_participant(participant.pk)
    if person.history_since is not None:
        words = {"day": person.history_since}
        raise Refused({"": [_("A history is being entered already, since %(day)s.") % words]})
    require_reason(reason)
    return _set(person, today_at(person.site, now))


@recorded
def close_history(
    *, participant: Participant, by: User | None, reason: str = "", now: datetime
) -> Participant:
    """Say that a participant's history is complete: all of it is judged and drafted now, once.

    Raises Refused where none is being entered.
    """
    person = lock_participant(participant.pk)
    if person.history_since is None:
        raise Refused({"": [_("No history is being entered.")]})
    _set(person, None)
    ProtocolWindow.objects.filter(participant=person, cancelled_on=None).update(judge_at=now)
    draft_of_visits(list(Visit.objects.filter(participant=person).values_list("pk", flat=True)), now)
    judge_participants([person.pk], now)
    return person


@recorded
def record_history(
    *, participant: Participant, visits: Sequence[PastVisit], by: User | None, reason: str, now: datetime
) -> int:
    """Put a whole history on record in one act, judged and drafted once at its end; gives how many visits.

    In the order of their days, so that what counts from another finds it. `reason` stands for every visit
    that has none of its own. All of it or nothing: raises VisitRefused, naming the visit, and Refused.
    """
    open_history(participant=participant, by=by, reason=reason, now=now)
    for one in sorted(visits, key=lambda visit: (visit.on is None, visit.on or date.max)):
        _record(participant, one, by=by, reason=one.reason or reason, now=now)
    close_history(participant=participant, by=by, reason=reason, now=now)
    return len(visits)


def _record(participant: Participant, one: PastVisit, *, by: User | None, reason: str, now: datetime) -> None:
    found = Visit.objects.select_related("participant").filter(participant=participant, code=one.code)
    visit = found.order_by("-attempt").first()
    if visit is None:
        raise VisitRefused({"": [_("This participant has no visit %(visit)s.") % {"visit": one.code}]})
    version = visit.version
    try:
        if one.on is None:
            miss_visit(visit=visit, version=version, by=by, reason=reason, now=now)
        else:
            done = Completion(one.on, one.at, outside_reason=reason)
            complete_visit(visit=visit, version=version, completion=done, by=by, reason=reason, now=now)
    except VisitRefused as refused:
        raise VisitRefused(_of_visit(one.code, refused.fields), refused.preview) from refused


def _of_visit(code: str, fields: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {name: [f"{code}: {word}" for word in words] for name, words in fields.items()}


def _set(person: Participant, since: date | None) -> Participant:
    person.history_since = since
    person.save(update_fields=["history_since"])
    return person
