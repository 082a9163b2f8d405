"""Since when: the first consent of participants, the first approval at sites, the steps that stand."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Min, QuerySet

from participants.domain.lifecycle import Step
from participants.models import Consent, CourseStep
from trials.models import SiteApproval

STEPS = frozenset(step.value for step in Step)


def standing_steps(participants: Collection[int]) -> QuerySet[CourseStep]:
    """The steps of these participants' courses that stand, in order."""
    steps = CourseStep.objects.filter(participant__in=participants, undone=False, step__in=STEPS)
    return steps.order_by("pk")


def first_signatures(participants: Collection[int]) -> QuerySet[Any, Any]:
    """The day of the first consent form of each participant that has any, as rows of the id and the day."""
    signed = Consent.objects.filter(participant__in=participants).order_by()
    return signed.values_list("participant").annotate(first=Min("signed_on")).order_by("participant")


def first_approvals(sites: Collection[int], trials: Collection[int]) -> QuerySet[Any, Any]:
    """The day of the first approval of trials at sites, as rows of the site, the trial and the day."""
    rows = SiteApproval.objects.filter(site__in=sites, protocol_version__trial__in=trials).order_by()
    places = rows.values_list("site", "protocol_version__trial").annotate(first=Min("approved_on"))
    return places.order_by("site", "protocol_version__trial")
