"""A history taken over: everything written first, judged and drafted once, with one reason.

While a history is being entered the sweeps wait for it: a visit that is not typed yet has not been missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from participants.models import Participant
from schedules.domain.errors import VisitRefused
from schedules.domain.visits.values import Booking, Completion
from schedules.models import ProtocolWindow, Visit
from schedules.selectors.store.calendars import today_at
from schedules.services.store.deviation_drafts import draft_of_visits
from schedules.services.store.visit_writing import lock_participant
from schedules.services.visits.appointments import complete_visit, miss_visit
from schedules.services.visits.unscheduled import Unscheduled, add_unscheduled
from schedules.services.windows.evaluation import judge_participants
from trials.audit.acts import recorded
from trials.domain.errors import Refused
from trials.models import User
from trials.spoken import require_reason, sentence


@dataclass(frozen=True, slots=True)
class PastVisit:
    """What became of one visit, by its code: done on a day (and hour), or missed where `on` is None.

    Without a code it is one that the protocol did not plan; then it has a day.
    """

    code: str
    on: date | None
    at: datetime | None = None
    reason: str = ""


class HistoryRefused(VisitRefused):
    """A history cannot have been so; `rows` say by the place of each visit, and by field, what is wrong."""

    def __init__(self, rows: Mapping[int, Mapping[str, Sequence[str]]], visits: Sequence[PastVisit]) -> None:
        self.rows = {place: dict(fields) for place, fields in rows.items()}
        found: dict[str, list[str]] = {}
        for place, fields in rows.items():
            for name, words in fields.items():
                named = visits[place].code or str(visits[place].on)
                found.setdefault(name, []).extend(f"{named}: {word}" for word in words)
        super().__init__(found)


@recorded
def open_history(*, participant: Participant, by: User | None, reason: str, now: datetime) -> Participant:
    """Say that a participant's history is being entered: from now on nothing of theirs is judged or drafted.

    Raises Refused without a reason, and where one is being entered already.
    """
    person = lock_participant(participant.pk)
    if person.history_since is not None:
        words = {"day": person.history_since}
        raise Refused({"": [sentence(_("A history is being entered already, since %(day)s."), words)]})
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
    *,
    participant: Participant,
    visits: Sequence[PastVisit],
    by: User | None,
    reason: str,
    now: datetime,
    sure: bool = False,
) -> int:
    """Put a whole history on record in one act, judged and drafted once at its end; gives how many visits.

    In the order of their days, so that what counts from another finds it. `reason` stands for every visit
    that has none of its own; `sure`: unlikely days are meant. A history that is being entered already is
    completed by it. All of it or nothing: raises HistoryRefused, which names every visit that cannot have
    been so, and Refused.
    """
    require_reason(reason)
    if not visits:
        raise Refused({"": [_("Enter at least one visit.")]})
    person = lock_participant(participant.pk)
    if person.history_since is None:
        _set(person, today_at(person.site, now))
    order = sorted(range(len(visits)), key=lambda n: (visits[n].on is None, visits[n].on or date.max, n))
    refused: dict[int, Mapping[str, Sequence[str]]] = {}
    for place in order:
        one = visits[place]
        try:
            # A savepoint each: what is wrong with one visit is said beside what is wrong with all the others.
            with transaction.atomic():
                _record(participant, one, sure=sure, by=by, reason=one.reason or reason, now=now)
        except VisitRefused as error:
            refused[place] = error.fields
    if refused:
        raise HistoryRefused(dict(sorted(refused.items())), visits)
    close_history(participant=participant, by=by, reason=reason, now=now)
    return len(visits)


def _record(
    participant: Participant, one: PastVisit, *, sure: bool, by: User | None, reason: str, now: datetime
) -> None:
    visit = _visit_of(participant, one, sure=sure, by=by, reason=reason, now=now)
    said: dict[str, Any] = {"visit": visit, "version": visit.version, "by": by, "reason": reason, "now": now}
    if one.on is None:
        miss_visit(**said)
    else:
        complete_visit(**said, completion=Completion(one.on, one.at, outside_reason=reason, sure=sure))


def _visit_of(
    participant: Participant, one: PastVisit, *, sure: bool, by: User | None, reason: str, now: datetime
) -> Visit:
    """The visit on record, of the latest attempt; or one that is added beside the protocol."""
    if not one.code:
        if one.on is None:
            raise VisitRefused({"on": [_("Give the day of a visit that the protocol did not plan.")]})
        asked = Unscheduled(Booking(one.on, sure=sure))
        return add_unscheduled(participant=participant, asked=asked, by=by, reason=reason, now=now)
    found = Visit.objects.select_related("participant").filter(participant=participant, code=one.code)
    visit = found.order_by("-attempt").first()
    if visit is None:
        raise VisitRefused({"code": [_("This participant has no visit %(visit)s.") % {"visit": one.code}]})
    return visit


def _set(person: Participant, since: date | None) -> Participant:
    person.history_since = since
    person.save(update_fields=["history_since"])
    return person
