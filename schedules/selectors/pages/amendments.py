"""What amendments look at: who takes part where, consents and ends; and the runs with their progress."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, QuerySet

from participants.domain.consents import ConsentStanding, FormEdition, GivenConsent, asks_first, standing_of
from participants.domain.lifecycle import ENDS, Course, Phase, StepTaken, phase_of
from participants.models import Consent, CourseStep, Participant
from participants.selectors.consents import edition
from participants.selectors.participants import participants_visible_to
from schedules.domain.replanning.amendments import Outcome
from schedules.models import AmendmentRun, AmendmentStep
from schedules.selectors.store.calendars import today_at
from schedules.selectors.store.first_days import STEPS
from trials.domain.accounts.access import Right
from trials.models import ConsentForm, ProtocolVersion, Site, Trial, TrialSite, User
from trials.selectors.records import published_versions, roles_of, within


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands who may be migrated.

    How the course ended if it did, the consent, and the form that asks for another one first.
    """

    ended: Phase | None
    consent: ConsentStanding
    asking: FormEdition | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come: how many of its participants came out how."""

    counts: Mapping[Outcome, int]

    @property
    def total(self) -> int:
        """All participants of the run."""
        return sum(self.counts.values())

    @property
    def waiting(self) -> int:
        """Those whose turn has not come."""
        return self.counts.get(Outcome.WAITING, 0)

    @property
    def percent(self) -> int:
        """How much is behind, in whole percent."""
        return 100 * (self.total - self.waiting) // self.total if self.total else 100


def sites_to_amend(user: User, trial: Trial, today: date) -> QuerySet[Site]:
    """The sites of a trial whose participants a user may migrate to an amendment."""
    running = TrialSite.objects.filter(within(roles_of(user, today), Right.RECORD), trial=trial)
    return Site.objects.filter(pk__in=running.values("site")).order_by("code")


def versions_to_amend(trial: Trial) -> QuerySet[ProtocolVersion]:
    """The published versions of a trial, the newest first."""
    return published_versions(trial).select_related("trial").defer("document")


def people_at(trial: Trial, sites: Collection[int]) -> list[int]:
    """The ids of everybody in a trial at some of its sites, in the order in which they are worked on."""
    people = Participant.objects.filter(trial=trial, site__in=sites).order_by("pk")
    return list(people.values_list("pk", flat=True))


def standings_of(people: Collection[Participant], now: datetime) -> dict[int, Standing]:
    """How courses ended and where consents stand, on the day it is at each site; three queries."""
    ids = [person.pk for person in people]
    ends, given = _ends(ids), _given(ids)
    editions: dict[int, list[FormEdition]] = defaultdict(list)
    trials = {person.trial_id for person in people}
    for form in ConsentForm.objects.filter(trial__in=trials).order_by("effective_on", "pk"):
        editions[form.trial_id].append(edition(form))
    found = {}
    for person in people:
        forms, today = editions[person.trial_id], today_at(person.site, now)
        consent = standing_of(given[person.pk], forms, today)
        found[person.pk] = Standing(ends.get(person.pk), consent, asks_first(consent, forms, today))
    return found


def runs_of(user: User, trial: Trial, today: date) -> QuerySet[AmendmentRun]:
    """The amendment runs of a trial that touch a site into whose records a user may look."""
    seen = TrialSite.objects.filter(within(roles_of(user, today), Right.VIEW), trial=trial)
    runs = AmendmentRun.objects.filter(to_version__trial=trial, sites__in=seen.values("site")).distinct()
    related = runs.select_related("from_version", "to_version__trial", "started_by")
    return related.prefetch_related("sites").defer("from_version__document", "to_version__document")


def run_in_sight(user: User, today: date, pk: int) -> AmendmentRun | None:
    """A run that a user may look at, by its id."""
    run = AmendmentRun.objects.select_related("to_version__trial").filter(pk=pk).first()
    return runs_of(user, run.to_version.trial, today).filter(pk=pk).first() if run else None


def steps_of_run(run: AmendmentRun, user: User, today: date) -> QuerySet[AmendmentStep]:
    """The participants of a run whom a user may look at, in the order in which they are worked on."""
    seen = AmendmentStep.objects.filter(run=run, participant__in=participants_visible_to(user, today))
    return seen.select_related("participant__site").order_by("pk")


def left_out(run: AmendmentRun) -> int:
    """How many at the sites of a run are under its older version and no part of it: enrolled since."""
    people = Participant.objects.filter(protocol_version=run.from_version, site__in=run.sites.all())
    return people.exclude(pk__in=AmendmentStep.objects.filter(run=run).values("participant")).count()


def progress_of(steps: QuerySet[AmendmentStep]) -> Progress:
    """How far these steps have come; one query."""
    rows = steps.order_by().values_list("outcome").annotate(count=Count("pk"))
    return Progress({Outcome(outcome): count for outcome, count in rows})


def progress_by_run(runs: Collection[AmendmentRun]) -> dict[int, Progress]:
    """How far each of these runs has come, by its id; one query."""
    rows = AmendmentStep.objects.filter(run__in=[run.pk for run in runs]).order_by()
    counts: dict[int, dict[Outcome, int]] = {run.pk: {} for run in runs}
    for pk, outcome, count in rows.values_list("run", "outcome").annotate(count=Count("pk")):
        counts[pk][Outcome(outcome)] = count
    return {pk: Progress(found) for pk, found in counts.items()}


def _ends(ids: Collection[int]) -> dict[int, Phase]:
    taken: dict[int, list[StepTaken]] = defaultdict(list)
    steps = CourseStep.objects.filter(participant__in=ids, undone=False, step__in=STEPS).order_by("pk")
    for step in steps:
        taken[step.participant_id].append(step.taken)
    phases = {pk: phase_of(Course(steps=found)) for pk, found in taken.items()}
    return {pk: phase for pk, phase in phases.items() if phase in ENDS}


def _given(ids: Collection[int]) -> dict[int, list[GivenConsent]]:
    found: dict[int, list[GivenConsent]] = defaultdict(list)
    rows = Consent.objects.filter(participant__in=ids).order_by("signed_on", "pk")
    for consent in rows:
        found[consent.participant_id].append(
            GivenConsent(consent.form_id, consent.signed_on, consent.withdrawn_on)
        )
    return found
