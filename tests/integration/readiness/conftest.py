"""Somebody of NCT07193667 before chemotherapy: Wed 2 to Fri 4 December 2026, infusion on Mon 7 December."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from participants.models import Participant
from schedules.domain.plan.values import AnchorDay
from schedules.models import Visit
from schedules.services.enrolment.enrolling import enrol
from tests.cast import a_site, a_version, an_enrolment
from trials.models import ProtocolVersion, Site
from trials.services.sites.working_days import record_working_days

ZERO, BEGINS = date(2026, 12, 7), date(2026, 12, 2)


def at(day: date, hour: int = 9) -> datetime:
    """An hour of a day in Shanghai."""
    return datetime(day.year, day.month, day.day, hour - 8, tzinfo=UTC)


@pytest.fixture
def site(db: None) -> Site:
    site = a_site("SY", ward_beds=2, infusions_per_day=1)
    record_working_days(site=site, by=None, first_year=2025, last_year=2028)
    return site


@pytest.fixture
def version(db: None) -> ProtocolVersion:
    return a_version("NCT07193667")


@pytest.fixture
def participant(site: Site, version: ProtocolVersion) -> Participant:
    return enrolled(site, version, "S01-001")


def enrolled(site: Site, version: ProtocolVersion, code: str, zero: date = ZERO) -> Participant:
    asked = an_enrolment(
        version, site=site, subject_code=code, anchors={"infusion": AnchorDay(zero)}, traits=frozenset()
    )
    return enrol(enrolment=asked, by=None)


def visit_of(participant: Participant, code: str) -> Visit:
    return Visit.objects.select_related("participant").get(participant=participant, code=code)
