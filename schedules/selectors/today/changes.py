"""What others and the system changed since somebody last looked, one line for each act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, QuerySet

from participants.models import Participant
from schedules.models import LastLook, SavedView
from schedules.selectors.pages.replanning import TOLD, acts_of
from schedules.selectors.store.changes import Change
from schedules.selectors.today.worklist import Wanted, people_wanted
from trials.models import AuditEntry, User
from trials.zones import zone_of

SHOWN = 50
"""So many acts at most stand on the page; all of them in the audit trail."""
_READ = 300
_WALKED = 20_000
"""So many entries back at most the trail is looked through for acts in sight."""
_BACK = 500
"""So many entries back begins the first look of somebody who has never marked anything as read."""


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """One act of somebody else about a participant."""

    participant: Participant
    change: Change


@dataclass(frozen=True, slots=True)
class Changed:
    """What was changed, the latest first; `since` is the last look, `entry` what "mark as read" covers."""

    rows: Sequence[ChangedRow] = ()
    count: int = 0
    since: datetime | None = None
    entry: int = 0
    more: bool = False


def changed_since(user: User, now: datetime, wanted: Wanted) -> Changed:
    """What others did in sight since the last look, SHOWN acts at most; a constant number of queries."""
    look = LastLook.objects.filter(user=user).first()
    last = AuditEntry.objects.aggregate(last=Max("id"))["last"] or 0
    first, since = (look.entry, look.at) if look else (max(0, last - _BACK), None)
    if first >= last:
        return Changed((), 0, since, last)
    begin, people = max(first, last - _WALKED), people_wanted(user, now, wanted)
    latest = _latest(user, begin, last, people)
    seen = people.filter(pk__in={one.participant_id for one in latest}).select_related("trial", "site")
    by_pk: Mapping[int, Participant] = seen.in_bulk()
    zones = {pk: zone_of(person.site) for pk, person in by_pk.items()}
    acts = [(pk, change) for pk, change in acts_of(latest[::-1], zones) if change.fields]
    acts.sort(key=lambda one: one[1].at, reverse=True)
    rows = [ChangedRow(by_pk[pk], change) for pk, change in acts[:SHOWN]]
    more = len(latest) == _READ or begin > first
    return Changed(rows, len(acts), since, last, more)


def _latest(user: User, begin: int, last: int, people: QuerySet[Participant]) -> list[AuditEntry]:
    """The latest entries of others about these people after one number and until another, _READ at most."""
    # in sight first: what others do elsewhere must not fill the page, and be marked as read in its place
    entries = AuditEntry.objects.filter(id__gt=begin, id__lte=last, model__in=TOLD)
    entries = entries.filter(participant_id__in=people.values("pk"))
    # an enrolment is told by its anchors: the names of a site and a version are a query each
    entries = entries.exclude(model="participants.participant", action="create")
    return list(entries.exclude(actor_id=user.pk).order_by("-id")[:_READ])


def views_of(user: User) -> Sequence[SavedView]:
    """The views that somebody has saved; one query."""
    return list(SavedView.objects.filter(user=user))
