"""A window that ended before an amendment is judged as it was asked of somebody, not as it is asked now.

Chemotherapy from 2 December 2026, hCG of that day, infusion on the 7th, out of hospital on the 14th; Day 14
was done on the 23rd. Version 1 asks for an hCG of 7 days and 7 days in hospital, version 2 for 2 and for 14.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from participants.domain.fact_kinds import Admission
from participants.domain.fact_kinds import TestResult as Result
from participants.domain.moments import DAY
from participants.models import Participant
from schedules.models import Deviation, Flag, ProtocolWindow, Visit
from schedules.selectors.windows.evaluation import windows_of_participants
from schedules.services.replanning.amendment_previews import preview_amendment
from schedules.services.replanning.amendments import advance_amendments, start_amendment
from schedules.services.replanning.moves import replan_many
from schedules.services.windows.evaluation import sweep_windows
from schedules.services.windows.facts import record_fact
from tests.cast import a_version, an_approval, document
from tests.integration.replanning.amendments.conftest import INFUSION, NOW, amendment, somebody
from trials.models import ProtocolVersion, Site

pytestmark = pytest.mark.django_db
_BASIS = 'basis: {assumed: "confirm against your protocol"}'
_HCG = f"""
  - code: hcg
    label: hCG
    freshness: {{test: hcg, result: negative}}
    starts: {{from: infusion, offset: -P%dD, {_BASIS}}}
    ends: {{from: infusion, offset: P0D, {_BASIS}}}
    {_BASIS}
  - code: care
    label: Care
    conduct: {{of: care}}
    starts: {{from: infusion, offset: P0D, {_BASIS}}}
    ends: {{from: infusion, offset: P%dD, {_BASIS}}}
    {_BASIS}
"""


def edition(number: int, fresh: int, stay: int, care: int) -> ProtocolVersion:
    text = document().replace('version: "1"', f'version: "{number}"')
    text = text.replace("ends: {from: infusion, offset: P7D", f"ends: {{from: infusion, offset: P{stay}D")
    return a_version(text=text.replace("\nwindows:\n", f"\nwindows:\n{_HCG % (fresh, care)}"))


@pytest.fixture
def migrated(site: Site) -> Participant:
    old, new = edition(1, 7, 7, 7), edition(2, 2, 14, 90)
    an_approval(site, new)
    person = somebody(old, site, "S01-001")
    Visit.objects.filter(participant=person, code="d0").update(performed_on=INFUSION)
    given = date(2026, 12, 2)
    into, out = (datetime(2026, 12, day, 4, tzinfo=UTC) for day in (1, 14))
    for fact in (Result("hcg", given, given, "negative"), Admission(into, out)):
        record_fact(participant=person, fact=fact, by=None, reason="", now=NOW, sure=True)
    asked = amendment(old, new, site)
    dry = preview_amendment(amendment=asked, now=NOW)
    (prospect,) = dry.prospects
    assert {one.code for one in prospect.verdicts}.isdisjoint({"hcg", "hospital-stay"})
    start_amendment(amendment=asked, digest=dry.digest, by=None, reason="2", now=NOW)
    advance_amendments(now=NOW)
    person.refresh_from_db()
    assert person.protocol_version == new
    return person


def verdicts(person: Participant) -> dict[str, str]:
    (read,) = windows_of_participants([person.pk])
    judged = read.judged(NOW + DAY)
    return {one.stored.code: one.verdict.status.value for one in judged}


def test_what_was_kept_as_it_was_asked_stays_kept(migrated: Participant) -> None:
    sweep_windows(now=NOW + DAY)
    replan_many(ids=[migrated.pk], proposals={}, now=NOW + DAY, by=None, reason="once more")
    sweep_windows(now=NOW + timedelta(days=2))
    found = verdicts(migrated)
    assert (found["hcg"], found["hospital-stay"]) == ("kept", "kept")
    assert not Deviation.objects.filter(kind="window").exists()
    assert not Flag.objects.filter(window__code__in=["hcg", "hospital-stay"], cleared_at=None).exists()
    stay = ProtocolWindow.objects.get(participant=migrated, code="hospital-stay")
    assert stay.ends_on == date(2026, 12, 14)
    assert "Protocol version 1." in stay.because


def test_a_conduct_that_lasts_longer_now_goes_on(migrated: Participant) -> None:
    care = ProtocolWindow.objects.get(participant=migrated, code="care")
    assert care.ends_on == INFUSION + timedelta(days=90)
    assert "Protocol version 2." in care.because
