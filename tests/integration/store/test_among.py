"""Rows of the people of a trial or a site, who are looked up as a list."""

from __future__ import annotations

import pytest

from participants.models import Anchor, Participant
from schedules.services.enrolment.enrolling import enrol
from tests.cast import a_site, a_version, an_enrolment
from tests.plans import plan_of, steps_of
from tests.protocols import document_of, long_protocol
from trials.selectors.among import AmongIds, AmongMany

pytestmark = pytest.mark.django_db


def test_people_of_a_trial_are_found_once_and_not_by_a_join(lane: str) -> None:
    """Of a join PostgreSQL read the anchors of all trials: the board did, and readiness, and day zero."""
    version, other = a_version(), a_version(text=document_of(long_protocol(3, "LONG-OTHER")))
    for number, one in enumerate((version, version, other)):
        enrol(enrolment=an_enrolment(one, site=a_site(), subject_code=f"S01-{number:03}"), by=None)
    people = Participant.objects.filter(trial=version.trial).order_by().values("pk")
    found = Anchor.objects.filter(AmongIds("participant_id", people)).order_by("pk")
    assert list(found) == list(Anchor.objects.filter(participant__trial=version.trial).order_by("pk"))
    assert 0 < found.count() < Anchor.objects.count()
    assert not Anchor.objects.filter(AmongIds("participant_id", people.filter(pk__in=[])))
    if lane == "postgres":
        steps = steps_of(plan_of(*found.query.sql_with_params()))
        assert any(one.get("Parent Relationship") == "InitPlan" for one in steps), "found once, in no join"


def test_many_ids_are_one_parameter_and_none_finds_nothing(lane: str) -> None:
    """Each id of a list was weighed by itself: of 2,164 that took 90 of 125 ms."""
    pks = [enrol(enrolment=an_enrolment(subject_code=f"S01-{n:03}"), by=None).pk for n in range(3)]
    found = Anchor.objects.filter(AmongMany("participant_id", pks[1:])).order_by("pk")
    assert list(found) == list(Anchor.objects.filter(participant__in=pks[1:]).order_by("pk"))
    assert 0 < found.count() < Anchor.objects.count()
    assert not Anchor.objects.filter(AmongMany("participant_id", []))
    assert len(found.query.sql_with_params()[1]) == 1
    if lane == "postgres":
        steps = steps_of(plan_of(*found.query.sql_with_params()))
        assert any(one.get("Parent Relationship") == "InitPlan" for one in steps), "found once, in no join"
