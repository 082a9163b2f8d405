"""A year at one site: enrolled, booked, done, missed and moved as the pages ask, and held against the books.

    year = SiteYear(seed=1, people=60, trials=TRIALS, days=365)
    year.run()
    assert not year.complaints, year.report()

`run` raises whatever a page raises. A complaint is anything else that is wrong: a status that is no answer, a
date that the books do not have, a deviation that nobody brought about, a window that closed although there
was a day to see somebody, a page that says other than the API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import time_machine
from django.test import Client
from django.urls import reverse

from participants.domain.anchors import RecordedAnchor
from participants.domain.fact_kinds import (
    Admission,
    CompanionConfirmed,
    Confirmation,
    Event,
    Fact,
    Lodging,
    TestResult,
)
from participants.models import Anchor, Participant
from schedules import tasks
from schedules.domain.errors import EnrolmentRefused, ReplanningRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind, PlannedWindow
from schedules.domain.replanning.visit_effects import Effect
from schedules.models import Deviation, Flag, Visit
from schedules.selectors.windows.evaluation import windows_of_participants
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning
from schedules.services.windows.facts import record_facts
from tests.cast import a_site, a_version, an_enrolment
from tests.simulation.books import Books
from trials.domain.errors import Refused
from trials.domain.protocols.protocol import Conduct, EventAfter, Freshness, Presence, Stay, Washout
from trials.models import ProtocolVersion, Role, User
from trials.selectors.records import working_days_of
from trials.services.accounts.memberships import grant_membership
from trials.services.accounts.tokens import TokenScope, issue_api_token
from trials.services.sites.working_days import record_working_days

SHANGHAI = ZoneInfo("Asia/Shanghai")
TRIALS = ("NCT07193667", "NCT07274059", "NCT07331467", "NCT07339332", "NCT07233642")
PAGES = ("/participants/", "/flags/", "/deviations/", "/forecast/", "/planner/", "/worklist/")
OK, REDIRECT = 200, 302
_DAY = timedelta(days=1)


@dataclass
class SiteYear:
    """One site over some days; see the module."""

    seed: int = 1
    people: int = 60
    trials: tuple[str, ...] = TRIALS
    start: date = date(2026, 11, 23)
    days: int = 365
    misses: float = 0.02
    slips: float = 0.15
    lead: int = 30
    check_every: int = 7
    books: Books = field(default_factory=Books)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.today = self.start
        self.waiting = [self._arrival(number) for number in range(self.people)]

    def _arrival(self, number: int) -> tuple[date, str, str]:
        """When somebody comes, in which trial, under which code; most in the first half."""
        last = max(1, self.days * 3 // 5)
        on = self.start + timedelta(days=self.random.randrange(last))
        return on, self.trials[number % len(self.trials)], f"S01-{number + 1:03}"

    # --- the frame: a site, its people, a clock

    def run(self) -> None:
        """Run all days."""
        self._open()
        for _n in range(self.days):
            with self.at(time(6, 30)):
                self._sweep()
            if self.calendar.is_working_day(self.today):
                with self.at(time(8, 30)):
                    self._enrol_who_has_come()
                    self._work()
            if (self.today - self.start).days % self.check_every == 0:
                with self.at(time(17)):
                    self.check()
            self.today += _DAY
        with self.at(time(17)):
            self._sweep()
            self.check()

    @contextmanager
    def at(self, hour: time) -> Iterator[datetime]:
        """The clock at an hour of today."""
        now = datetime.combine(self.today, hour, SHANGHAI)
        self.now = now
        with time_machine.travel(now, tick=False):
            yield now

    def _open(self) -> None:
        with self.at(time(6)):
            self.site = a_site("WH")
            record_working_days(
                site=self.site, by=None, first_year=self.start.year - 1, last_year=self.start.year + 4
            )
            self.calendar = working_days_of(self.site)
            assert self.calendar is not None, "a site has working days"
            self.user = User.objects.create_user("coordinator", password="a long and made-up one")
            grant_membership(
                user=self.user, role=Role.COORDINATOR, site=self.site, starts_on=self.today, by=None
            )
            self.versions: dict[str, ProtocolVersion] = {}
            for trial in self.trials:
                self.versions[trial] = a_version(trial)
                self.books.read(trial)
            self.client = Client()
            self.token = issue_api_token(user=self.user, name="reader", scope=TokenScope())[1]

    def _sweep(self) -> None:
        """All that beat rings for in a night."""
        for ring in (tasks.judge, tasks.hold, tasks.start, tasks.draft, tasks.sweep):
            ring()

    # --- what the coordinator does

    def _enrol_who_has_come(self) -> None:
        for one in [one for one in self.waiting if one[0] <= self.today]:
            self.waiting.remove(one)
            self._enrol(one[1], one[2])

    def _enrol(self, trial: str, code: str) -> None:
        """Enrol with a consent of today, on the first Monday or Thursday that the protocol allows."""
        day = self.today + timedelta(days=self.lead)
        traits = {one["code"] for one in self.books.documents[trial].get("traits", ())}
        held = frozenset(traits & {"lymphodepletion"}) | self._some(traits - {"lymphodepletion", "minor"})
        for _try in range(30):
            day += _DAY
            if day.weekday() not in (0, 3) or not self.calendar.is_working_day(day):
                continue
            asked = an_enrolment(
                self.versions[trial],
                site=self.site,
                subject_code=code,
                anchors={
                    "infusion": AnchorDay(day),
                    "consent": AnchorDay(self.today, AnchorKind.ACTUAL),
                },
                traits=held,
                today=self.today,
            )
            try:
                enrol(enrolment=asked, by=self.user)
            except EnrolmentRefused as refused:
                if "gate" in str(refused).lower() or "anchors" in refused.fields:
                    continue
                raise
            self.books.count("enrolled")
            self.books.say(self.today, f"{code} enrolled in {trial} for {day}")
            return
        self.books.say(self.today, f"{code} could not be enrolled in {trial}")
        self.books.count("turned away")

    def _some(self, traits: set[str]) -> frozenset[str]:
        return frozenset(one for one in sorted(traits) if self.random.random() < 0.5)

    def _work(self) -> None:
        """A clinic day, in the order of the page: what is to record, who comes, flags, what is to book."""
        self.client.force_login(self.user)
        if self.slips and self.random.random() < self.slips / 7:
            self._slip()
        page = self._today(all="record")
        for row in page["record_rows"]:
            self._record(row)
        for row in self._today()["coming_rows"]:
            self._done_or_missed(row)
        self._answer_flags()
        for row in self._today(all="book")["board"].rows.get("book", ()):
            self._book(row)

    def _today(self, **query: str) -> Any:
        answer = self.client.get(reverse("today"), query)
        if answer.status_code != OK:
            self._complain(f"Today answers {answer.status_code}")
        return answer.context

    def _record(self, row: Any) -> None:
        """A visit of a day that is over: done as it was planned; one that nobody came to is missed."""
        on = row.recordable_on or (row.offered if row.offered and row.offered <= self.today else None)
        if on is None:
            self._act(row.visit, "missed", reason="nobody came")
            self.books.missed.add((row.participant.pk, row.visit.code))
            return
        self._complete(row.visit, on)

    def _done_or_missed(self, row: Any) -> None:
        visit = row.visit
        if visit.place == "clinic" and self.random.random() < self.misses:
            self.books.missed.add((row.participant.pk, visit.code))
            self._act(visit, "missed", reason="did not come")
            self.books.count("missed")
            return
        self._complete(visit, self.today)

    def _book(self, row: Any) -> None:
        if row.offered is None:
            self.books.say(
                self.today, f"no day is offered for {row.participant.subject_code} {row.visit.code}"
            )
            return
        answer = self._act(row.visit, "book", on=row.offered.isoformat(), section="book")
        if answer.status_code == OK:
            self.books.count("booked")
        else:
            text = " ".join(str(getattr(answer.context.get("outcome"), "text", "")).split())
            self._complain(f"{self._of(row.visit)}: the day that Today offers is refused: {text}")

    def _act(self, visit: Visit, act: str, **said: str) -> Any:
        version = Visit.objects.values_list("version", flat=True).get(pk=visit.pk)
        sent = {"version": version, "section": "record", "back": "/", **said}
        return self.client.post(
            reverse("today-act", args=[visit.pk, act]), sent, headers={"HX-Request": "true"}
        )

    def _complete(self, visit: Visit, on: date) -> None:
        """The form of done, filled in with all that it asks; asked again, it is answered again."""
        visit.refresh_from_db()
        if visit.performed_on or visit.missed_on or visit.cancelled_on:
            return
        address = reverse("visit-deed", args=[visit.pk, "complete"])
        typed = self._typed(self.client.get(address).context["form"], visit, on)
        for _try in range(4):
            answer = self.client.post(address, typed)
            if answer.status_code == REDIRECT:
                self.books.count("done")
                return
            form = answer.context["form"]
            if not self._mend(form, typed):
                break
        self._complain(f"{self._of(visit)}: the form of done refuses {on}: {form.errors.as_text()}")

    def _typed(self, form: Any, visit: Visit, on: date) -> dict[str, Any]:
        hour = "09:00" if on < self.today else "08:15"
        typed: dict[str, Any] = {"version": visit.version, "on": on.isoformat(), "at": hour}
        for name in form.fields:
            if name.startswith("activity-"):
                typed[name] = "done"
            elif name.startswith("window-"):
                typed[name] = "kept"
            elif name.startswith("event-"):
                typed[name] = "done"
            elif name.startswith("result-"):
                typed[name] = "as-asked"
            elif name.startswith("words-") and f"result-{name[6:]}" not in form.fields:
                typed[name] = "done, nothing found"
            elif name.startswith("taken-"):
                typed[name] = "07:00"
        return typed

    def _mend(self, form: Any, typed: dict[str, Any]) -> bool:
        """Answer what the form asks besides; whether there was anything."""
        before = dict(typed)
        typed["seen"] = form.data.get("seen", "")
        if "accept" in form.errors:
            typed["accept"] = "on"
        if "sure" in form.errors:
            typed["sure"] = "on"
        if "outside_reason" in form.errors:
            typed["outside_reason"] = "as it was possible"
            self.books.say(self.today, form.errors["outside_reason"].as_text())
        return typed != before

    def _answer_flags(self) -> None:
        """Record the facts that the open flags ask for."""
        awake = Flag.objects.filter(cleared_at=None, participant__site=self.site)
        people = set(awake.filter(window__isnull=False).values_list("participant", flat=True))
        if not people:
            return
        for participant_windows in windows_of_participants(sorted(people)):
            stored = {one.code: one.pk for one, _planned in participant_windows.placed()}
            flagged = set(
                awake.filter(participant=participant_windows.record.participant).values_list(
                    "window", flat=True
                )
            )
            facts = [
                fact
                for planned in participant_windows.plan.windows
                if stored.get(planned.rule.code) in flagged
                for fact in self._facts(planned)
            ]
            self._tell(participant_windows.record.participant, facts)

    def _tell(self, person: Participant, facts: list[Fact]) -> None:
        unlike = {
            (type(one), getattr(one, "topic", getattr(one, "test", getattr(one, "code", "")))): one
            for one in facts
        }
        for fact in unlike.values():
            try:
                record_facts(participant=person, facts=[fact], by=self.user, now=self.now)
                self.books.count("facts")
            except Refused as refused:
                self._complain(f"{person.subject_code}: a fact that a flag asks for is refused: {refused}")

    def _facts(self, planned: PlannedWindow) -> Iterator[Fact]:
        """What settles a window, as somebody knows it who keeps to the protocol."""
        terms = planned.rule.terms
        first, last = _day(planned.starts), _day(planned.ends)
        match terms:
            case Freshness() if _begun(planned.starts, self.now):  # sooner, the sample would be too old
                yield TestResult(terms.test, self.now - timedelta(hours=1), self.now, terms.result or "done")
            case Washout():
                yield from (Confirmation(code, self.now) for code in terms.of)
            case Conduct():
                yield Confirmation(terms.of, self.now)
            case Presence() if first:
                yield Lodging(first, last, min(30, terms.within_minutes or 30))
                if terms.companion:
                    yield CompanionConfirmed(first, last)
            case Stay() if first and first <= self.today:
                into = datetime.combine(first, time(7), SHANGHAI)
                out = datetime.combine(last, time(16), SHANGHAI) if last and last < self.today else None
                yield Admission(into, out)
            case EventAfter():
                yield Event(terms.event, self.now)

    def _slip(self) -> None:
        """An infusion to come is moved by one or two weeks, as its preview shows it."""
        ahead = Anchor.objects.filter(
            code="infusion", actual_on=None, planned_on__gt=self.today + timedelta(days=10)
        )
        started = Anchor.objects.filter(code="lymphodepletion-start", actual_on__isnull=False)
        found = list(ahead.exclude(participant__in=started.values("participant")).order_by("pk"))
        if not found:
            return
        anchor = self.random.choice(found)
        assert anchor.planned_on is not None, "it was asked for"
        day = anchor.planned_on + timedelta(days=7 * self.random.choice((1, 2)))
        if not self.calendar.is_working_day(day):
            return
        moved = Proposal({"infusion": RecordedAnchor("infusion", planned_on=day)}, accept_unbookable=True)
        said: dict[str, Any] = {"participant": anchor.participant, "proposal": moved, "now": self.now}
        try:
            shown = preview_replanning(**said)
            expired = any(Effect.EXPIRED in change.effects for change in shown.changed)
            if shown.ruling.refused or expired:  # nobody moves it so far that screening must be repeated
                return
            commit_replanning(**said, digest=shown.digest, by=self.user, reason="no bed")
        except ReplanningRefused as refused:
            self.books.say(self.today, f"{anchor.participant.subject_code} is not moved to {day}: {refused}")
            return
        self.books.count("slips")
        self.books.say(self.today, f"{anchor.participant.subject_code} moved to {day}")

    # --- what is held against the books

    def check(self) -> None:
        """Every page answers; dates, deviations, windows and the API agree with the books."""
        self.client.force_login(self.user)
        for address in PAGES:
            answer = self.client.get(address)
            if answer.status_code != OK:
                self._complain(f"{address} answers {answer.status_code}")
        self._check_dates()
        self._check_deviations()
        self._check_windows()
        self._check_api()

    def _check_dates(self) -> None:
        for person in Participant.objects.filter(site=self.site).prefetch_related("anchors", "trial"):
            anchors = {
                one.code: day for one in person.anchors.all() if (day := one.actual_on or one.planned_on)
            }
            for visit in Visit.objects.filter(participant=person, unscheduled=False, cancelled_on=None):
                span = self.books.span(person.trial.code, visit.rule_code, anchors)
                stored = (visit.opens, visit.target, visit.closes)
                if span and stored != (span.opens, span.target, span.closes):
                    self._complain(f"{self._of(visit)}: {stored}, by the books {span}")

    def _check_deviations(self) -> None:
        standing = Deviation.objects.filter(lapsed_on=None, withdrawn_on=None).select_related(
            "visit", "participant", "window"
        )
        for one in standing:
            if one.kind == "unrecorded" and one.visit and not self._recordable(one.visit):
                continue  # nobody is there before the next clinic day; the record lets it lapse
            code = one.visit.code if one.visit else ""
            if (one.participant_id, code) not in self.books.missed:
                window = one.window.code if one.window else ""
                who = one.participant.subject_code
                self._complain(f"{who} {code}{window}: drafted {one.kind}: {one.facts[:160]}")

    def _recordable(self, visit: Visit) -> bool:
        """Whether a clinic day lies between the close of a window and today."""
        since = range(1, (self.today - visit.closes).days)
        return any(self.calendar.is_working_day(visit.closes + n * _DAY) for n in since)

    def _check_windows(self) -> None:
        """No visit is over without a word although somebody could have been seen in its window."""
        closed = Visit.objects.filter(
            participant__site=self.site,
            closes__lt=self.today,
            performed_on=None,
            missed_on=None,
            cancelled_on=None,
            applies=True,
        ).select_related("participant")
        for visit in closed:
            days = [visit.opens + n * _DAY for n in range((visit.closes - visit.opens).days + 1)]
            since = [visit.closes + n * _DAY for n in range(1, (self.today - visit.closes).days)]
            seen, recorded = (any(map(self.calendar.is_working_day, some)) for some in (days, since))
            if seen and recorded:
                self._complain(f"{self._of(visit)}: closed on {visit.closes} with nothing recorded")

    def _check_api(self) -> None:
        """One participant's page and the API say the same of every visit."""
        people = list(Participant.objects.filter(site=self.site).order_by("pk"))
        if not people:
            return
        person = self.random.choice(people)
        page = self.client.get(reverse("participant", args=[person.pk])).context["page"]
        shown = {row.planned.code: _told(row) for row in page.visits}
        answer = Client().get(
            "/api/v1/visits",
            {"trial": person.trial.code, "subject_code": person.subject_code, "page_size": 200},
            headers={"authorization": f"Bearer {self.token}"},
        )
        if answer.status_code != OK:
            self._complain(f"the API answers {answer.status_code}: {answer.content.decode()[:200]}")
            return
        read = {
            one["code"]: (one["opens"], one["target"], one["closes"], one["booked_on"], one["performed_on"])
            for one in answer.json()["results"]
        }
        for code in sorted(shown.keys() & read.keys()):
            if shown[code] != read[code]:
                self._complain(f"{person.subject_code} {code}: page {shown[code]}, API {read[code]}")
        if not shown or shown.keys() - read.keys():
            self._complain(f"{person.subject_code}: the API lacks {sorted(shown.keys() - read.keys())}")

    def report(self) -> str:
        """The complaints, and what had happened."""
        return "\n".join([*self.complaints, "", *self.books.log, summary(self.books.counts)])

    def _of(self, visit: Visit) -> str:
        return f"{visit.participant.subject_code} {visit.participant.trial.code} {visit.code}"

    def _complain(self, text: str) -> None:
        line = f"{self.today} {text}"
        if not any(one[11:] == text for one in self.complaints):
            self.complaints.append(line)


def _day(point: date | datetime | None) -> date | None:
    return point.astimezone(SHANGHAI).date() if isinstance(point, datetime) else point


def _begun(starts: date | datetime | None, now: datetime) -> bool:
    if isinstance(starts, datetime):
        return starts <= now - timedelta(hours=1)
    return starts is None or starts <= now.date()


def _told(row: Any) -> tuple[str | None, ...]:
    """A visit as its page shows it, in the words of the API."""
    window = row.planned.window
    days: tuple[date | None, ...] = (
        window.opens,
        window.target,
        window.closes,
        row.booked_on,
        row.performed_on,
    )
    return tuple(day.isoformat() if day else None for day in days)


def summary(counts: Mapping[str, int]) -> str:
    """The counts of a year in one line."""
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
