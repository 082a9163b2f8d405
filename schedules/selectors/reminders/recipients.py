"""Who is there to be told of a reminder today: roles, the participant's coordinator, owners, deputies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet

from participants.models import Absence, Participant, ParticipantCoordinator
from schedules.domain.reminders import BETWEEN
from schedules.domain.reminders.hours import Hours
from schedules.domain.reminders.people import Capacity, Staff, Told, people_to_tell
from schedules.domain.reminders.rules import BY_KIND, SWEPT, UNTOLD, thing_of
from schedules.domain.reminders.settings import Wanted
from schedules.models import Flag, Reminder, ReminderPause, ReminderRecipient
from schedules.selectors.reminders.candidates import OF_ALL, Context, context_of
from trials.domain.accounts.access import ROLE_RIGHTS, Right, RolesDay
from trials.models import Membership, User
from trials.zones import roles_day, zone_of

_OF_FLAGS = ("at-risk", "violated")
TOLD_OF_A_START = (Capacity.COORDINATOR,)


@dataclass(frozen=True, slots=True)
class People:
    """Who is told of each of some reminders, and who else is there, by the reminder's id."""

    told: Mapping[int, Sequence[Told]]
    staff: Mapping[int, Staff]
    wanted: Mapping[int, Wanted]

    def still_concerns(self, reminder: int, person: int, capacity: str) -> bool:
        """Whether somebody who was told in a capacity is still to be told, by today's roles and absences."""
        staff = self.staff.get(reminder)
        if capacity == Capacity.ESCALATION:
            return staff is not None and person in staff.may_record and person not in staff.away
        return any(one.person == person for one in self.told.get(reminder, ()))


def people_of(rows: Sequence[Reminder], now: datetime, context: Context | None = None) -> People:
    """Say who is told of these reminders; at most five queries with a context, however many there are."""
    persons = persons_of(rows)
    places = context or _context(rows, persons)
    members = _members({one.site_id for one in persons.values()})
    mine = _coordinators(persons.values())
    owners = _owners(rows)
    here = roles_day(now)
    away = _Away.now(persons.values())
    told: dict[int, Sequence[Told]] = {}
    staff: dict[int, Staff] = {}
    rules: dict[int, Wanted] = {}
    for row in rows:
        person = persons.get(row.pk)
        if person is None:
            told[row.pk] = [Told(one, Capacity.ADMINISTRATOR) for one in _administrators(row, here)]
            continue
        today = here.there(zone_of(person.site))
        there = _by_role(members, person, here, today)
        staff[row.pk] = Staff(
            by_role=there,
            may_record=_who_may_record(there),
            mine=mine.get(person.pk),
            owner=owners.get(row.key),
            away=away.at(person.site_id, today),
        )
        place = places.place(person.trial_id, person.site_id)
        rule = place.wanted.get(row.kind) if place else None
        if rule is not None:
            rules[row.pk] = rule
        told[row.pk] = people_to_tell(rule.recipients if rule else TOLD_OF_A_START, staff[row.pk])
    return People(told, staff, rules)


def person_of(row: Reminder) -> Participant | None:
    """Whom a reminder is about; one of an older release names the visit alone."""
    if row.participant is not None:
        return row.participant
    return row.visit.participant if row.visit is not None else None


def persons_of(rows: Iterable[Reminder]) -> dict[int, Participant]:
    """Whom each of these reminders is about, by its id; those of no participant are left out."""
    return {row.pk: one for row in rows if (one := person_of(row)) is not None}


def context_of_reminders(rows: Iterable[Reminder]) -> Context:
    """What all rules are asked with of those whom these reminders are about; one query."""
    return context_of(SWEPT, {one.pk for one in persons_of(rows).values()})


def _context(rows: Sequence[Reminder], persons: Mapping[int, Participant]) -> Context:
    kinds = {row.kind for row in rows if row.kind in BY_KIND}
    return context_of(kinds, {one.pk for one in persons.values()})


def _members(sites: Collection[int]) -> list[Membership]:
    there = Q(site__isnull=True) | Q(site__in=sites)
    found = Membership.objects.filter(there, user__is_active=True, withdrawn_at=None)
    return list(found.filter(role__in=_ROLES).order_by("user_id", "pk"))


_ROLES = sorted(role for role, rights in ROLE_RIGHTS.items() if Right.VIEW in rights)


def _who_may_record(by_role: Mapping[str, Sequence[int]]) -> set[int]:
    may = [role for role in by_role if Right.RECORD in ROLE_RIGHTS.get(role, frozenset())]
    return {person for role in may for person in by_role[role]}


def _coordinators(persons: Iterable[Participant]) -> dict[int, int]:
    """Who looks after each of these participants, where somebody was named; one query."""
    theirs = ParticipantCoordinator.objects.filter(participant__in={one.pk for one in persons})
    return dict(theirs.values_list("participant_id", "user_id"))


def _by_role(
    members: Sequence[Membership], person: Participant, here: RolesDay, today: date
) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    # A role for all sites goes by the server's day, as on every page; one at a site by the day there.
    for member in members:
        if (
            member.site_id in (None, person.site_id)
            and member.trial_id in (None, person.trial_id)
            and _holds(member, here if member.site_id is None else today)
            and member.user_id not in found[member.role]
        ):
            found[member.role].append(member.user_id)
    return found


def _holds(member: Membership, today: date) -> bool:
    return member.starts_on <= today <= (member.ends_on or today)


def _owners(rows: Sequence[Reminder]) -> dict[str, int]:
    """Who has the flags that these reminders are of, by the reminder's key; no query where none is of one."""
    things = {row.key: thing_of(row.key) for row in rows if row.kind in _OF_FLAGS}
    if not things:
        return {}
    ids = [int(thing[1:]) for thing in things.values() if thing[1:].isdigit()]
    owners = dict(Flag.objects.filter(pk__in=ids, owner__isnull=False).values_list("pk", "owner_id"))
    found = {key: owners.get(int(thing[1:])) for key, thing in things.items() if thing[1:].isdigit()}
    return {key: owner for key, owner in found.items() if owner is not None}


@dataclass(frozen=True, slots=True)
class _Away:
    """Who is away or paused around now, with their deputies."""

    absences: Sequence[Absence]
    pauses: Sequence[ReminderPause]

    @classmethod
    def now(cls, persons: Collection[Participant]) -> _Away:
        sites = {one.site_id for one in persons}
        absences = Absence.objects.filter(site__in=sites, user__isnull=False, ended=False)
        pauses = ReminderPause.objects.filter(person__isnull=False, ended=False)
        return cls(list(absences), list(pauses))

    def at(self, site: int, today: date) -> dict[int, int | None]:
        found: dict[int, int | None] = {
            pause.person_id: None
            for pause in self.pauses
            if pause.person_id is not None and pause.first <= today <= pause.last
        }
        for absence in self.absences:
            if absence.site_id == site and absence.first <= today <= absence.last and absence.user_id:
                found[absence.user_id] = absence.deputy_id or found.get(absence.user_id)
        return found


def untold_key(trial: int, site: int, today: date) -> str:
    """The key of the one reminder of a day that at this site of a trial there is nobody to be told."""
    return BETWEEN.join((UNTOLD, f"{trial}-{site}", today.isoformat()))


def _administrators(row: Reminder, here: RolesDay) -> list[int]:
    """Who administers a site; where nobody holds that role, superusers: the first account of all is one."""
    trial, _sign, site = thing_of(row.key).partition("-")
    roles = [role for role, rights in ROLE_RIGHTS.items() if Right.ADMINISTER in rights]
    found = Membership.objects.filter(
        Q(trial=None) | Q(trial=int(trial)),
        Q(site=None) | Q(site=int(site)),
        role__in=roles,
        user__is_active=True,
        withdrawn_at=None,
    )
    there = {one.user_id for one in found if _holds(one, here)}
    chiefs = User.objects.filter(is_superuser=True, is_active=True)
    return sorted(there or chiefs.values_list("pk", flat=True))


def answered_at(at: datetime) -> QuerySet[ReminderRecipient]:
    """The rows of those who have noticed what they were told: acknowledged, or asleep at this instant."""
    return ReminderRecipient.objects.filter(Q(acknowledged_at__isnull=False) | Q(snoozed_until__gt=at))


def hours_of(rows: Sequence[Reminder], context: Context | None = None) -> dict[int, Hours]:
    """The hours in which each of these reminders may leave, by its id; no query with a context.

    What no rule speaks of, a start, keeps to the hours of its place.
    """
    persons = persons_of(rows)
    places = context or _context(rows, persons)
    found = {}
    for row in rows:
        person = persons.get(row.pk)
        here = places.place(person.trial_id, person.site_id) if person is not None else None
        if here is not None:
            found[row.pk] = here.hours[row.kind if row.kind in here.hours else OF_ALL]
    return found
