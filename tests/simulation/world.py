"""The world of the simulation: five trials at five sites, and what happens to participants day by day.

Everything is drawn from one seed. The truth of this world is that participants keep what the protocol
asks of them: they come when they are booked (but for the days on which they do not), take no forbidden
drug and stay near the site. What departs from the protocol is a matter of days alone.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from participants.domain.anchors import RecordedAnchor
from participants.domain.lifecycle import Step
from participants.models import Anchor, Participant
from participants.services.absences import Away
from schedules.models import ProtocolWindow, Visit, VisitPlace
from schedules.services.availability.absences import add_absence
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.enrolment.values import Enrolment
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning
from tests.cast import a_site, a_version, an_approval
from trials.domain.errors import DomainError
from trials.domain.sites.working_days import WorkingDays
from trials.formats.protocols import library
from trials.models import ProtocolVersion, Role, Site, User
from trials.selectors.records import protocol_of, working_days_of
from trials.services.accounts.memberships import grant_membership
from trials.services.sites.working_days import record_working_days

ZONE = ZoneInfo("Asia/Shanghai")
TRIALS = ("NCT07193667", "NCT07233642", "NCT07274059", "NCT07331467", "NCT07339332")
DAY = timedelta(days=1)
LEAD = timedelta(days=50)
"""So long before the infusion somebody is enrolled."""

APART = 9
TREATED = frozenset({"lymphodepletion"})
AGAIN = 1 / 100
"""How likely it is on a day that screening fails, or has to be repeated."""

CAPACITY = 2
"""So many participants a clinic sees on one day: rooms are often full."""

_GATES = re.compile(r"^gates:.*?(?=^\S)", re.MULTILINE | re.DOTALL)


@dataclass
class World:
    """The participants of one round, and the dice that are thrown for them.

    Each trial runs at `sites_each` sites with so many people each; one coordinator works at all of them.
    """

    seed: int
    start: date
    people: int = 4
    lead: timedelta = LEAD
    trials: tuple[str, ...] = TRIALS
    sites_each: int = 1
    dice: Random = field(init=False)
    coordinator: User = field(init=False)
    calendars: dict[int, WorkingDays | None] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)
    no_shows: dict[int, list[date]] = field(default_factory=dict)
    away: dict[int, list[tuple[date, date]]] = field(default_factory=dict)
    disturbances: dict[int, list[date]] = field(default_factory=dict)
    windows: dict[int, tuple[date, date, date]] = field(default_factory=dict)
    spans: dict[tuple[int, str], tuple[Any, Any, date]] = field(default_factory=dict)
    seats_lost: Counter[tuple[int, date]] = field(default_factory=Counter)
    fates: Random = field(init=False)
    failing_on: dict[int, date] = field(default_factory=dict)
    screened_again_on: dict[int, date] = field(default_factory=dict)
    """When somebody is to be screened again: after a failure, else because what was done has expired."""
    screened_again: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = Random(self.seed)
        self.fates = Random(f"screening {self.seed}")  # a stream of its own: the days above stay as they are

    def set_up(self) -> None:
        """Sites with their working days, approved protocols, participants one after the other."""
        self.coordinator = User.objects.create_user(f"simulated-{self.seed}")
        grant_membership(user=self.coordinator, role=Role.COORDINATOR, starts_on=self.start, by=None)
        versions = [self._version(code) for code in self.trials]
        enrolments = []
        for number in range(len(versions) * self.sites_each):
            version, site = versions[number % len(versions)], a_site(f"SIM{self.seed}-{number}")
            self.sites.append(site)
            record_working_days(
                site=site, by=None, first_year=self.start.year - 1, last_year=self.start.year + 4
            )
            self.calendars[site.pk] = working_days_of(site)
            an_approval(site, version)
            enrolments += [
                self._enrolment(version, site, f"S{number:02}-{person:03}", person)
                for person in range(self.people)
            ]
        bulk_enrol(enrolments=enrolments, by=None)

    def _version(self, code: str) -> ProtocolVersion:
        text = library.path(library.editions(code)[-1]).read_text(encoding="utf-8")
        return a_version(text=_GATES.sub("", text))

    def _enrolment(self, version: ProtocolVersion, site: Site, subject: str, place: int) -> Enrolment:
        protocol = protocol_of(version)
        infusion = self.start + self.lead + (place * APART + self.dice.randrange(5)) * DAY
        anchors = {protocol.day_zero: RecordedAnchor(protocol.day_zero, planned_on=infusion)}
        if "consent" in protocol.anchor_by_code:
            anchors["consent"] = RecordedAnchor("consent", actual_on=self.start)
        return Enrolment(
            trial=version.trial,
            site=site,
            version=version,
            subject_code=subject,
            anchors=anchors,
            traits=TREATED & {one.code for one in protocol.traits},
            no_consent_reason="simulated",
        )

    def morning(self, day: date) -> datetime:
        """Eight o'clock at the sites."""
        return datetime.combine(day, time(8), ZONE)

    def happen(self, day: date) -> None:
        """What a day brings: absences, day zero that slips, a fever on its morning, screening that fails."""
        for person in Participant.objects.filter(site__in=self.sites).select_related("site", "trial"):
            if self.dice.random() < 1 / 120:
                self._announce(person, day)
            if self.dice.random() < 1 / 60:
                self._slip(person, day)
            self._screen(person, day)

    def _announce(self, person: Participant, day: date) -> None:
        first = day + self.dice.randrange(3, 11) * DAY
        last = first + self.dice.randrange(1, 6) * DAY
        away = Away(first, last, participant=person, note="travels")
        add_absence(away=away, by=self.coordinator, now=self.morning(day))
        self.away.setdefault(person.pk, []).append((first, last))
        self._disturb(person.pk, day)

    def _slip(self, person: Participant, day: date) -> None:
        """Day zero is put off by some days: for a slip while nothing has begun, else for a fever."""
        zero = protocol_of(person.protocol_version).day_zero
        anchor = Anchor.objects.filter(participant=person, code=zero, actual_on=None).first()
        if anchor is None or anchor.planned_on is None or anchor.planned_on <= day:
            return
        later = anchor.planned_on + self.dice.randrange(1, 6) * DAY
        proposal = Proposal(anchors={zero: RecordedAnchor(zero, planned_on=later)}, accept_unbookable=True)
        now = self.morning(day)
        try:
            preview = preview_replanning(participant=person, proposal=proposal, now=now)
            commit_replanning(
                participant=person,
                proposal=proposal,
                digest=preview.digest,
                now=now,
                by=self.coordinator,
                reason="the product is late",
            )
        except DomainError:
            return  # what the protocol or its block forbids stays as it is
        self._disturb(person.pk, day)

    def _screen(self, person: Participant, day: date) -> None:
        """Screening that was done fails and is repeated some days later, or has expired and is repeated."""
        if self.failing_on.get(person.pk) == day:
            self._take(person, StepRequest(Step.SCREEN_FAILURE, day, sure=True), day)
        elif self.screened_again_on.get(person.pk) == day:
            day_zero = day + LEAD + self.fates.randrange(7) * DAY
            if self._take(person, StepRequest(Step.RESCREENING, day, day_zero=day_zero, sure=True), day):
                self.screened_again.append(person.pk)
        elif person.pk not in self.screened_again_on and self.fates.random() < AGAIN:
            if self.fates.random() < 1 / 2:
                self.screened_again_on[person.pk] = day + DAY
            elif self._take(person, StepRequest(Step.SCREEN_FAILURE, day, sure=True), day):
                self.screened_again_on[person.pk] = day + self.fates.randrange(5, 20) * DAY

    def _take(self, person: Participant, request: StepRequest, day: date) -> bool:
        """Take a step of somebody's course; what the course or the protocol forbids stays as it is."""
        fresh = Participant.objects.get(pk=person.pk)
        said: dict[str, Any] = {"by": self.coordinator, "reason": "as it was", "now": self.morning(day)}
        try:
            take_step(participant=fresh, version=fresh.version, request=request, **said)
        except DomainError:
            return False
        self._disturb(person.pk, day)
        return True

    def _disturb(self, person: int, day: date) -> None:
        self.disturbances.setdefault(person, []).append(day)

    def disturbed(self, person: int, day: date) -> bool:
        """Whether days alone could have broken something by then: a slip, a no-show or an absence before."""
        return any(one <= day + DAY for one in self.disturbances.get(person, ()))

    def look(self, day: date) -> None:
        """Note in the morning since when each window is as it is."""
        mine = Visit.objects.filter(participant__site__in=self.sites)
        for pk, opens, closes in mine.values_list("pk", "opens", "closes"):
            if self.windows.get(pk, ())[:2] != (opens, closes):
                self.windows[pk] = (opens, closes, day)
        placed = ProtocolWindow.objects.filter(participant__site__in=self.sites)
        for person, code, starts, ends in placed.values_list("participant", "code", "starts_on", "ends_on"):
            if self.spans.get((person, code), ())[:2] != (starts, ends):
                self.spans[person, code] = (starts, ends, day)

    def window_since(self, visit: Visit) -> date:
        """Return the first morning on which a visit's window was as it is."""
        found = self.windows.get(visit.pk)
        return found[2] if found else date.max

    def protocol_window_since(self, key: tuple[int, str]) -> date:
        """Return the first morning on which a participant's protocol window was as it is."""
        found = self.spans.get(key)
        return found[2] if found else date.min

    def bookable(self, visit: Visit, day: date) -> bool:
        """Whether a visit can be seen on a day: the clinic is open, the person there, a room free."""
        person = visit.participant
        if any(first <= day <= last for first, last in self.away.get(person.pk, ())):
            return False
        if visit.place == VisitPlace.WARD:
            return True
        calendar = self.calendars[person.site_id]
        if calendar is not None and not calendar.is_working_day(day):
            return False
        return self.seats_left(person.site_id, day, but=visit.pk) > 0

    def seats_left(self, site: int, day: date, but: int = 0) -> int:
        """How many participants more a clinic can see on a day."""
        taken = Visit.objects.filter(participant__site=site, booked_on=day, place=VisitPlace.CLINIC)
        return CAPACITY - taken.exclude(pk=but).count() - self.seats_lost[site, day]

    def comes(self, visit: Visit, day: date) -> bool:
        """Whether the person comes on the day of a booking; once in thirty they do not."""
        if visit.place == VisitPlace.WARD or self.dice.random() >= 1 / 30:
            return True
        self.no_shows.setdefault(visit.pk, []).append(day)
        self.seats_lost[visit.participant.site_id, day] += 1
        self._disturb(visit.participant_id, day)
        return False
