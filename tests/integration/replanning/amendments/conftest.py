"""Two versions of the template: the second allows D14 three days, has a D7, and no month 9."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from participants.models import Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import AmendmentRun, Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.amendment_previews import Amendment, DryRun, preview_amendment
from schedules.services.replanning.amendments import start_amendment
from tests.cast import a_site, a_version, an_approval, an_enrolment, document
from trials.models import ProtocolVersion, Site, User

NOW = datetime(2026, 12, 23, 1, 0, tzinfo=UTC)
INFUSION = date(2026, 12, 7)
_D7 = """
  - code: d7
    label: Day 7
    epoch: follow-up
    from: infusion
    at: P7D
    tolerance: {before: P1D, after: P1D, basis: {assumed: "confirm against your protocol"}}
    basis: {assumed: "confirm against your protocol"}
"""


def second(text: str) -> str:
    """The document of the second version."""
    text = text.replace('version: "1"', 'version: "2"')
    d14 = "    at: P14D\n    tolerance: {before: P%sD, after: P%sD"
    text = text.replace(d14 % (2, 2), d14 % (3, 3))
    text = re.sub(r"  - code: m9\n.*?(?=  - code: m12)", "", text, flags=re.DOTALL)
    return text.replace("\nwindows:\n", f"{_D7}\nwindows:\n")


@pytest.fixture
def site(db: None) -> Site:
    return a_site("WH")


@pytest.fixture
def old(db: None) -> ProtocolVersion:
    return a_version()


@pytest.fixture
def new(old: ProtocolVersion) -> ProtocolVersion:
    return a_version(text=second(document()))


def somebody(version: ProtocolVersion, site: Site, code: str, given: bool = True) -> Participant:
    kind = AnchorKind.ACTUAL if given else AnchorKind.PLANNED
    asked = an_enrolment(
        version, site=site, subject_code=code, anchors={"infusion": AnchorDay(INFUSION, kind)}
    )
    person = enrol(enrolment=asked, by=None)
    done = Visit.objects.filter(participant=person, code="d14")
    done.update(performed_on=date(2026, 12, 23))  # two days late
    return person


def amendment(old: ProtocolVersion, new: ProtocolVersion, *sites: Site) -> Amendment:
    return Amendment(old, new, sites)


def shown(asked: Amendment, now: datetime = NOW) -> DryRun:
    return preview_amendment(amendment=asked, now=now)


def started(asked: Amendment, by: User | None = None) -> AmendmentRun:
    dry = shown(asked)
    return start_amendment(amendment=asked, digest=dry.digest, by=by, reason="amendment 2", now=NOW)


def approved(site: Site, version: ProtocolVersion) -> None:
    an_approval(site, version)
