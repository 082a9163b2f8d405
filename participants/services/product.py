"""Milestones of a participant's product: expected, recorded, corrected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from participants.domain.errors import ProductRefused
from participants.domain.product import Milestone, Product, refusals_of_expectation, refusals_of_milestone
from participants.models import Participant, ProductStep
from participants.selectors.products import product_of
from trials.audit.acts import recorded
from trials.models import User
from trials.services.sites.plausible_days import impossible_days
from trials.spoken import refuse, require_reason

# As long as its column: PostgreSQL refuses a longer text.
_NOTE = 300


@dataclass(frozen=True, slots=True)
class MilestoneRecord:
    """A milestone that came, or is expected, on a day of the site."""

    milestone: Milestone
    on: date
    note: str = ""


@recorded
def record_milestone(
    *, participant: Participant, record: MilestoneRecord, by: User | None, today: date, reason: str = ""
) -> ProductStep:
    """A milestone on record; a remake begins the next attempt. Raises ProductRefused by field."""
    product = _locked(participant)
    if impossible := impossible_days({"on": record.on}, participant.trial.planned_end or today):
        raise ProductRefused(impossible)
    refuse(refusals_of_milestone(product, record.milestone, record.on, today, record.note), ProductRefused)
    attempt = product.attempt + (record.milestone is Milestone.REMADE)
    return _written(participant, record, attempt, {"done_on": record.on})


@recorded
def expect_milestone(
    *, participant: Participant, record: MilestoneRecord, by: User | None, today: date, reason: str = ""
) -> ProductStep:
    """The day on which a milestone is expected, in place of the one said before. Raises ProductRefused."""
    product = _locked(participant)
    if impossible := impossible_days({"on": record.on}, participant.trial.planned_end or today):
        raise ProductRefused(impossible)
    refuse(refusals_of_expectation(product, record.milestone, record.on, today), ProductRefused)
    return _written(participant, record, product.attempt, {"expected_on": record.on})


@recorded
def withdraw_milestone(*, step: ProductStep, by: User | None, reason: str) -> None:
    """A milestone of the latest attempt that did not come after all, with a reason; the trail keeps it.

    Raises ProductRefused without a reason, and for an attempt that another one has followed.
    """
    product = _locked(step.participant)
    require_reason(reason, ProductRefused)
    stored = ProductStep.objects.filter(pk=step.pk, done_on__isnull=False).first()
    if stored is None:
        raise ProductRefused({"": [_("Somebody else has withdrawn this already.")]})
    if stored.attempt != product.attempt:
        raise ProductRefused(
            {"": [_("The product has been made again since; this attempt cannot be changed.")]}
        )
    others = [day for day in product.present.values() if day.milestone != stored.step]
    if stored.step == Milestone.REMADE and others:
        raise ProductRefused({"": [_("Withdraw what is recorded of this attempt first.")]})
    if stored.expected_on:
        stored.done_on = None
        stored.save(update_fields=["done_on"])
    else:
        stored.delete()


def _locked(participant: Participant) -> Product:
    Participant.objects.select_for_update(no_key=True).get(pk=participant.pk)
    return product_of(participant)


def _written(
    participant: Participant, record: MilestoneRecord, attempt: int, days: dict[str, date]
) -> ProductStep:
    note = {"note": record.note.strip()[:_NOTE]} if record.note.strip() else {}
    step, _made = ProductStep.objects.update_or_create(
        participant=participant,
        attempt=attempt,
        step=record.milestone.value,
        defaults={**days, **note},
    )
    return step
