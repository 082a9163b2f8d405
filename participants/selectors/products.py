"""What can be read of participants' products."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date

from participants.domain.product import Milestone, MilestoneDay, Product
from participants.models import Participant, ProductStep
from participants.selectors.participants import participants_visible_to
from trials.models import User

_KNOWN = frozenset(milestone.value for milestone in Milestone)


def product_of(participant: Participant) -> Product:
    """The product of one participant; one query."""
    return products_of([participant.pk]).get(participant.pk, Product())


def products_of(ids: Collection[int]) -> dict[int, Product]:
    """The products of participants, by their ids; one query. Without any milestone there is no entry."""
    days: dict[int, list[MilestoneDay]] = defaultdict(list)
    steps = ProductStep.objects.filter(participant__in=ids, step__in=_KNOWN).order_by("attempt", "pk")
    for step in steps:
        day = MilestoneDay(Milestone(step.step), step.attempt, step.expected_on, step.done_on)
        days[step.participant_id].append(day)
    return {pk: Product(tuple(found)) for pk, found in days.items()}


def steps_on_record(participant: Participant) -> list[ProductStep]:
    """The milestones as they are stored, the latest attempt first; one query."""
    return list(ProductStep.objects.filter(participant=participant).order_by("-attempt", "pk"))


def step_in_sight(user: User, today: date, pk: int) -> ProductStep | None:
    """A milestone of a participant whom the user may look at."""
    seen = ProductStep.objects.filter(participant__in=participants_visible_to(user, today), pk=pk)
    return seen.select_related("participant__site", "participant__trial").first()
