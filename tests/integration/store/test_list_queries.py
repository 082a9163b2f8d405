"""Every list asks as many queries for a thousand people as for ten, seen by one site and by all."""

from __future__ import annotations

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.models import Consent, Fact, Participant
from schedules.models import Deviation, Flag, Visit, VisitActivity
from schedules.selectors.store import records
from schedules.services.enrolment.bulk import bulk_enrol
from tests.cast import NOW, TODAY, a_site, a_version, an_enrolment
from tests.integration.store.lists import every_list
from trials.models import ConsentForm, ProtocolVersion, Role, Site, Trial, TrialSite, User
from trials.services.accounts.memberships import grant_membership

pytestmark = [pytest.mark.django_db, pytest.mark.long]
FEW, MANY = 10, 1_000
NOT_SHOWN_WITH_FEW = 4
"""What a page of few people lacks asks so often: a next page, fields that search more than fifty sites."""


def test_no_list_asks_more_for_a_thousand_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has visits, windows, a fact, a flag, a deviation, a consent and an activity; sites grow too."""
    monkeypatch.setattr(records, "_FEW", 0)  # up to twenty people are read by one statement in place of ten
    with time_machine.travel(NOW, tick=True):
        site, version = a_site(), a_version()
        form = ConsentForm.objects.create(trial=version.trial, version="1", effective_on=TODAY)
        readers = {}
        for name, where in (("all", None), ("one", site)):
            readers[name] = User.objects.create_user(name, is_staff=True)
            for role in (Role.COORDINATOR, Role.MONITOR, Role.DATA_MANAGER, Role.ADMINISTRATOR):
                grant_membership(user=readers[name], role=role, starts_on=TODAY, by=None, site=where)
        more(FEW, version, form)
        few = counted(readers, site)
        more(MANY - FEW, version, form)
        many = counted(readers, site)
    print({key: (few[key], many[key]) for key in few if many[key] != few[key]})
    grown = {key: (few[key], many[key]) for key in few if many[key] > few[key] + NOT_SHOWN_WITH_FEW}
    assert not grown
    assert {key for key, asked in many.items() if asked > 50} == set()


def more(people: int, version: ProtocolVersion, form: ConsentForm) -> None:
    """So many people with a row of every kind, and a twentieth as many sites and trials."""
    known = Participant.objects.count()
    codes = [
        f"S01-1{n:03}" for n in range(known + 1, known + people + 1)
    ]  # a search finds many, and opens none
    bulk_enrol(enrolments=[an_enrolment(version, subject_code=code) for code in codes], by=None)
    new = list(Participant.objects.order_by("-pk")[:people])
    Fact.objects.bulk_create(
        Fact(participant=one, kind="night-away", starts_on=TODAY, ends_on=TODAY, detail={"minutes": 40})
        for one in new
    )
    Flag.objects.bulk_create(
        Flag(
            participant=one, key=f"start:{one.pk}", kind="start", severity="notice", message="", raised_at=NOW
        )
        for one in new
    )
    Deviation.objects.bulk_create(
        Deviation(
            participant=one,
            protocol_version=one.protocol_version,
            key=f"missed:{one.pk}",
            kind="missed",
            found_on=TODAY,
            occurred_on=TODAY,
        )
        for one in new
    )
    Consent.objects.bulk_create(Consent(participant=one, form=form, signed_on=TODAY) for one in new)
    first = {one.participant_id: one for one in Visit.objects.filter(participant__in=new).order_by("-pk")}
    VisitActivity.objects.bulk_create(
        VisitActivity(visit=visit, participant_id=pk, code="x", label="X", done=True)
        for pk, visit in first.items()
    )
    numbers = range(known, known + people, 20)
    sites = Site.objects.bulk_create(
        Site(code=f"X{n}", name=f"Elsewhere {n}", zone="Asia/Shanghai") for n in numbers
    )
    TrialSite.objects.bulk_create(TrialSite(trial=version.trial, site=one) for one in sites)
    Trial.objects.bulk_create(Trial(code=f"T{n}", title="Another") for n in numbers)


def counted(readers: dict[str, User], site: Site) -> dict[tuple[str, str], int]:
    """The queries of each address, the second time that it is asked."""
    found = {}
    for key, client, address, allowed in every_list(readers, site):
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code in allowed, address
        found[key] = len(queries)
    return found
