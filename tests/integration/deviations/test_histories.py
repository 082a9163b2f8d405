"""A history is one act: everything written first, judged and drafted once, and the sweeps wait for it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client

from participants.models import Participant
from schedules.domain.errors import VisitRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import Deviation, Flag, Visit
from schedules.services.course.takeover import PastVisit, close_history, open_history, record_history
from schedules.services.deviations.classification import sweep_unrecorded
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.readiness.start_flags import sweep_starts
from schedules.services.windows.evaluation import sweep_windows
from tests.cast import a_site, a_version, an_enrolment, show_who_one_is
from trials.domain.errors import Refused
from trials.models import AuditEntry, User

pytestmark = pytest.mark.django_db
INFUSION, TODAY = date(2026, 3, 2), date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Asia/Shanghai"))


def enrolled(count: int = 1, *, history: bool = True) -> list[Participant]:
    """Infused in March, and enrolled here in November: every window up to month 6 has closed."""
    version, site = a_version(), a_site()
    consent = AnchorDay(date(2026, 1, 20), AnchorKind.ACTUAL)
    anchors = {"infusion": AnchorDay(INFUSION, AnchorKind.ACTUAL), "consent": consent}
    asked = [
        an_enrolment(
            version,
            site=site,
            subject_code=f"S01-{number:03}",
            anchors=anchors,
            today=TODAY,
            reason="taken over",
            history=history,
        )
        for number in range(count)
    ]
    return list(Participant.objects.filter(pk__in=bulk_enrol(enrolments=asked, by=None)).order_by("pk"))


def past(person: Participant, late: str = "", missed: str = "") -> list[PastVisit]:
    """Every visit that has closed on its target, but for one done three weeks late and one missed."""
    visits = Visit.objects.filter(participant=person, closes__lt=TODAY).exclude(timing__in=["each", "over"])
    return [
        PastVisit(
            visit.code,
            None if visit.code == missed else visit.target + timedelta(days=21 * (visit.code == late)),
        )
        for visit in visits.exclude(code__startswith="ld-")
    ]


def sweep() -> None:
    sweep_windows(now=NOW)
    sweep_unrecorded(now=NOW)
    sweep_starts(now=NOW)


def test_the_sweeps_wait_for_a_history_that_is_being_entered() -> None:
    enrolled(3)
    sweep()
    assert not Deviation.objects.exists()
    assert not Flag.objects.exists()
    (other,) = Participant.objects.filter(subject_code="S01-001")
    close_history(participant=other, by=None, now=NOW)
    assert set(Deviation.objects.values_list("participant", flat=True)) == {other.pk}


def test_without_one_the_sweep_drafts_at_once() -> None:
    enrolled(history=False)
    sweep()
    assert Deviation.objects.filter(kind="unrecorded").exists()


def test_a_history_is_judged_and_drafted_once() -> None:
    """One visit three weeks late and one missed: two drafts, and none that has lapsed since."""
    (person,) = enrolled(history=False)
    visits = past(person, late="d28", missed="d14")
    count = record_history(participant=person, visits=visits, by=None, reason="from the paper file", now=NOW)
    assert count == len(visits)
    drafts = Deviation.objects.filter(visit__code__in=[visit.code for visit in visits])
    assert sorted(drafts.values_list("visit__code", "kind")) == [("d14", "missed"), ("d28", "outside-window")]
    assert not Deviation.objects.exclude(lapsed_on=None, withdrawn_on=None).exists()
    assert AuditEntry.objects.filter(model="schedules.visit", reason="from the paper file").exists()
    person.refresh_from_db()
    assert person.history_since is None


def test_a_history_that_cannot_be_is_refused_whole_and_names_the_visit() -> None:
    (person,) = enrolled(history=False)
    wrong = [*past(person), PastVisit("m12", TODAY + timedelta(days=1))]
    with pytest.raises(VisitRefused) as refused:
        record_history(participant=person, visits=wrong, by=None, reason="from the paper file", now=NOW)
    assert "m12" in str(refused.value.fields)
    assert not Visit.objects.filter(participant=person, performed_on__isnull=False).exists()
    person.refresh_from_db()
    assert person.history_since is None


def test_it_is_opened_with_a_reason_and_once() -> None:
    (person,) = enrolled(history=False)
    with pytest.raises(Refused):
        open_history(participant=person, by=None, reason=" ", now=NOW)
    open_history(participant=person, by=None, reason="transferred from another sponsor", now=NOW)
    with pytest.raises(Refused):
        open_history(participant=person, by=None, reason="again", now=NOW)
    close_history(participant=person, by=None, now=NOW)
    with pytest.raises(Refused):
        close_history(participant=person, by=None, now=NOW)


def test_it_is_begun_and_completed_on_its_page(client: Client) -> None:
    (person,) = enrolled()
    home, page = f"/participants/{person.pk}/", f"/participants/{person.pk}/history/"
    with time_machine.travel(NOW, tick=False):
        client.force_login(User.objects.create_superuser("anna"))
        show_who_one_is(client)
        assert "A history is being entered since" in client.get(home).content.decode()
        assert client.post(page, {"reason": "all of the paper file is entered"}).status_code == 302
        assert Deviation.objects.filter(kind="unrecorded").exists()
        assert client.post(page, {"reason": ""}).status_code == 422
        assert client.post(page, {"reason": "another binder"}).status_code == 302
    person.refresh_from_db()
    assert person.history_since == TODAY


def test_today_lists_the_histories_that_are_open_so_that_none_is_forgotten(client: Client) -> None:
    """Nothing is judged of anyone who's history is open, so no list named one that was never completed."""
    person, done = enrolled(2)
    close_history(participant=done, by=None, now=NOW)
    with time_machine.travel(NOW, tick=False):
        client.force_login(User.objects.create_superuser("chief"))
        show_who_one_is(client)
        page = client.get("/")
        assert list(page.context["histories"]) == [person]
        assert "Histories being entered" in page.content.decode()
        other = client.get("/", {"site": str(a_site("BJ").pk)})
        assert not other.context["histories"]
        close_history(participant=person, by=None, now=NOW)
        assert "Histories being entered" not in client.get("/").content.decode()
