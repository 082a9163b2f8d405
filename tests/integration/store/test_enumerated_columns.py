"""Every column that holds one of a few words has its choices, and a check in the database that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from schedules.models import Visit
from schedules.services.enrolment.enrolling import enrol
from tests.cast import an_enrolment

APPS = ("trials", "participants", "schedules")
SHORT = 24
FREE = {
    "trials.resource.weekdays": "weekdays by their numbers",
    "schedules.feedepoch.word": "made at random",
    "schedules.webhook.epoch": "made at random",
    "schedules.visit.offset": "an amount with a unit",
    "schedules.visitstamp.edition": "a version of the software",
    "schedules.windowstamp.edition": "a version of the software",
    "schedules.valuedifference.field": "checked by the service that writes it",
    "trials.site.clinic_days": "weekdays as digits, with a validator",
    "trials.site.holiday_calendar": "a calendar's name, which grows with the library",
    "schedules.reminderdelivery.channel": "the name of a channel that a site sets up",
}
"""Short columns that hold no word of a list, and why not."""


def fields() -> Iterator[tuple[str, models.Field[Any, Any]]]:
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            for field in model._meta.concrete_fields:
                yield f"{model._meta.label_lower}.{field.name}", field


def checked(model: type[models.Model], column: str) -> list[set[str]]:
    """The words that the checks of a model allow in a column."""
    found = []
    for check in model._meta.constraints:
        if isinstance(check, models.CheckConstraint):
            found += [set(words) for name, words in _pairs(check.condition) if name == f"{column}__in"]
    return found


def _pairs(condition: Any) -> Iterator[tuple[str, Any]]:
    for child in condition.children:
        yield from _pairs(child) if isinstance(child, models.Q) else (child,)


ENUMERATED = sorted(name for name, field in fields() if field.choices)


@pytest.mark.parametrize("name", ENUMERATED)
def test_a_column_with_choices_is_checked_by_the_database(name: str) -> None:
    field = dict(fields())[name]
    words = {str(value) for value, _label in field.flatchoices}
    assert [found - {""} for found in checked(field.model, field.name)] == [words - {""}]


def test_a_short_column_has_choices_or_a_reason_for_none() -> None:
    short = [
        name
        for name, field in fields()
        if isinstance(field, models.CharField)
        and (field.max_length or 0) <= SHORT
        and not field.choices
        and name not in FREE
    ]
    assert short == [], "give these choices and a check (trials/models/enumerated.py), or a reason in FREE"


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["anchor_kind", "timing", "place", "timing_basis", "tolerance_basis"])
def test_the_database_takes_no_other_word(column: str) -> None:
    person = enrol(enrolment=an_enrolment(), by=None)
    visit = Visit.objects.filter(participant=person).latest("pk")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE schedules_visit SET {column} = 'nonsens' WHERE id = %s", [visit.pk])


def test_no_model_is_ordered_over_a_relation() -> None:
    """Ordered by `participant`, a read of one's anchors joined everybody; by `participant_id` it does not."""
    joined = [
        f"{model._meta.label_lower}: {name}"
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        for name in model._meta.ordering
        if "__" in str(name)
        or any(
            field.is_relation and field.name == str(name).lstrip("-") for field in model._meta.concrete_fields
        )
    ]
    assert joined == []
