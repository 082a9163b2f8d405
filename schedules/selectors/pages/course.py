"""All that the pages of a course and of absences show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q, QuerySet

from participants.domain.lifecycle import Course, Phase, Step, next_steps, phase_of
from participants.models import Absence, Anchor, CourseStep, Participant
from participants.selectors.participants import participants_visible_to
from schedules.models import Visit
from schedules.selectors.store.course import course_of, live_visits, standing_of
from trials.domain.accounts.access import Right
from trials.models import Membership, Site, User
from trials.selectors.records import holds_at, protocol_of, roles_of, sites_visible_to


@dataclass(frozen=True, slots=True)
class CoursePage:
    """Where somebody stands, how they came there, and the steps that may come next."""

    participant: Participant
    course: Course
    phase: Phase
    steps: Sequence[CourseStep]
    possible: tuple[Step, ...]
    live: Sequence[Visit]

    @property
    def last(self) -> CourseStep | None:
        """The step that stands last, which is the one that may be undone."""
        return next((step for step in reversed(self.steps) if not step.undone), None)


def course_page(participant: Participant) -> CoursePage:
    """The course of a participant; a constant number of queries."""
    course = course_of(standing_of(participant))
    return CoursePage(
        participant=participant,
        course=course,
        phase=phase_of(course),
        steps=list(participant.steps.order_by("id")),
        possible=next_steps(course),
        live=list(live_visits(participant).order_by("target", "pk")),
    )


def sites_to_transfer_to(participant: Participant) -> QuerySet[Site]:
    """The other sites that run the participant's trial; whether they may use its version is asked later."""
    return Site.objects.filter(trial_sites__trial=participant.trial_id).exclude(pk=participant.site_id)


def planned_day_zero(participant: Participant) -> date | None:
    """Return the day for which day zero is planned; None where it is not."""
    code = protocol_of(participant.protocol_version).day_zero
    planned = Anchor.objects.filter(participant=participant, code=code)
    return planned.values_list("planned_on", flat=True).first()


def absence_in_sight(user: User, today: date, pk: int) -> Absence | None:
    """An absence of a participant or a site that the user may look at."""
    seen = Q(participant__in=participants_visible_to(user, today)) | Q(site__in=sites_visible_to(user, today))
    related = Absence.objects.select_related("participant__site", "participant__trial", "site")
    return related.filter(seen, pk=pk).first()


def may_record_at(user: User, site: Site, today: date) -> bool:
    """Whether a user may record what concerns a whole site, and so all trials that run there."""
    return roles_of(user, today).allows_throughout(Right.RECORD, site=site.pk)


def people_at(site: Site, today: date) -> QuerySet[User]:
    """The people who hold a role at a site on this day."""
    held = Membership.objects.filter(holds_at(site, today))
    return User.objects.filter(is_active=True, pk__in=held.values("user")).order_by("username")
