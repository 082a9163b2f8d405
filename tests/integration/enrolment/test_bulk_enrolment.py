"""Enrolling by the thousand: the same rows as one by one, all of them or none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from participants.models import Anchor, Participant
from schedules.domain.errors import EnrolmentsRefused
from schedules.domain.plan.values import AnchorDay
from schedules.models import CalendarState, ChangeEvent, ProtocolWindow, Visit
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.enrolment.enrolling import Enrolment, enrol
from tests.cast import INFUSION, a_site, a_version, an_enrolment
from trials.models import TrialSite
from trials.services.sites.working_days import record_working_days

pytestmark = pytest.mark.django_db


def many(count: int, one: Enrolment | None = None) -> list[Enrolment]:
    """So many enrolments that differ in subject code and infusion."""
    one = one or an_enrolment()
    return [
        replace(
            one,
            subject_code=f"S{number:04}",
            anchors={"infusion": AnchorDay(INFUSION + timedelta(days=number))},
        )
        for number in range(count)
    ]


def rows(model: type[models.Model], *without: str) -> list[dict[str, Any]]:
    """All rows, without what differs from one enrolment to the next."""
    names = [f.attname for f in model._meta.concrete_fields if f.attname not in without]
    return list(model.objects.order_by("pk").values(*names))  # type: ignore[attr-defined]


def everything() -> list[list[dict[str, Any]]]:
    """All that an enrolment writes, but for identifiers and moments."""
    own = ("id", "participant_id", "uid", "created_at", "changed_at")
    return [rows(model, *own) for model in (Participant, Anchor, Visit, ProtocolWindow, CalendarState)]


def test_the_rows_are_those_of_single_enrolments() -> None:
    one = an_enrolment(traits=["childbearing_potential"], comes_of_age_on=date(2027, 1, 1))
    record_working_days(site=one.site, by=None, first_year=2026, last_year=2029)
    enrolments = many(3, one)
    for enrolment in enrolments:
        enrol(enrolment=enrolment, by=None)
    singly = everything()
    for model in (ChangeEvent, CalendarState, ProtocolWindow, Visit, Anchor, ChangeEvent, Participant):
        model.objects.all().delete()
    ids = bulk_enrol(enrolments=enrolments, by=None)
    assert everything() == singly
    codes = dict(Participant.objects.values_list("pk", "subject_code"))
    assert [codes[pk] for pk in ids] == [one.subject_code for one in enrolments], "ids in the order given"


def test_several_sites_and_versions_go_together() -> None:
    other = an_enrolment(a_version("NCT07274059"), site=a_site("CD", zone="Asia/Urumqi"))
    bulk_enrol(enrolments=[*many(2), *many(2, other)], by=None)
    assert set(Participant.objects.values_list("trial__code", "site__code")) == {
        ("CART-SLE", "WH"),
        ("NCT07274059", "CD"),
    }


def test_enrolling_goes_on_after_a_bulk() -> None:
    ids = bulk_enrol(enrolments=many(2), by=None)
    after = enrol(enrolment=an_enrolment(subject_code="LATER-1"), by=None)
    by_the_orm = Participant.objects.create(
        trial=after.trial, site=after.site, protocol_version=after.protocol_version, subject_code="ORM-1"
    )
    assert len({*ids, after.pk, by_the_orm.pk}) == 4


def test_nobody_is_enrolled_by_an_empty_bulk() -> None:
    assert bulk_enrol(enrolments=[], by=None) == []


def _takes_the_last(enrolments: list[Enrolment]) -> list[Enrolment]:
    enrol(enrolment=enrolments[-1], by=None)
    return enrolments


def _twice(enrolments: list[Enrolment]) -> list[Enrolment]:
    return [*enrolments, enrolments[0]]


def _two_wrong(enrolments: list[Enrolment]) -> list[Enrolment]:
    wrong = replace(enrolments[1], traits=["tall"]), replace(enrolments[2], anchors={})
    return [enrolments[0], *wrong]


@pytest.mark.parametrize(
    ("spoilt", "refused", "why"),
    [
        (_takes_the_last, {2: "subject_code"}, "the last one's code is in use"),
        (_twice, {0: "subject_code", 3: "subject_code"}, "two of them have one code"),
        (_two_wrong, {1: "traits", 2: "anchors"}, "everybody who is refused is named, not the first alone"),
    ],
)
def test_all_or_none(
    spoilt: Callable[[list[Enrolment]], list[Enrolment]], refused: dict[int, str], why: str
) -> None:
    enrolments = spoilt(many(3))
    before = Participant.objects.count()
    with pytest.raises(EnrolmentsRefused) as error:
        bulk_enrol(enrolments=enrolments, by=None)
    assert {place: "".join(one.fields) for place, one in error.value.refused.items()} == refused, why
    assert Participant.objects.count() == before


def test_more_codes_than_a_statement_may_name_are_still_told_apart() -> None:
    enrolments = many(600)
    enrol(enrolment=enrolments[599], by=None)
    with pytest.raises(EnrolmentsRefused) as error:
        bulk_enrol(enrolments=enrolments, by=None)
    assert list(error.value.refused) == [599]


def test_the_number_of_queries_does_not_grow_with_the_participants(
    django_assert_num_queries: Callable[[int], CaptureQueriesContext],
) -> None:
    one = an_enrolment()
    TrialSite.objects.get_or_create(trial=one.trial, site=one.site)
    few, more = many(2, one), [replace(x, subject_code=f"M{x.subject_code}") for x in many(50, one)]
    bulk_enrol(enrolments=many(1, replace(one, trial=one.trial)), by=None)
    few = [replace(x, subject_code=f"F{x.subject_code}") for x in few]
    with CaptureQueriesContext(connection) as of_few:
        bulk_enrol(enrolments=few, by=None)
    with django_assert_num_queries(len(of_few)):
        bulk_enrol(enrolments=more, by=None)
