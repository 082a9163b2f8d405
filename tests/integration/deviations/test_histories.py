"""A history is one act: everything written first, judged and drafted once, and the sweeps wait for it."""

from __future__ import annotations

import csv
from datetime import date, datetime, timedelta
from io import BytesIO, StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from participants.models import Participant
from schedules.domain.errors import VisitRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import Deviation, Flag, Visit
from schedules.selectors.pages.histories import visits_of_history
from schedules.services.course.takeover import PastVisit, close_history, open_history, record_history
from schedules.services.deviations.classification import sweep_unrecorded
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.readiness.start_flags import sweep_starts
from schedules.services.windows.evaluation import sweep_windows
from tests.cast import a_site, a_version, an_enrolment, show_who_one_is
from trials.domain.errors import Refused
from trials.models import ApiAct, AuditEntry, Membership, Role, User
from trials.services.accounts.tokens import TokenScope, issue_api_token

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
        assert "A history is being entered; it was begun on" in client.get(home).content.decode()
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


def test_a_whole_history_is_entered_in_one_form_and_drafted_once(client: Client) -> None:
    """One done three weeks late, one missed, one unplanned: every error in its row, then one act."""
    (person,) = enrolled(history=False)
    address = reverse("history-whole", args=[person.pk])
    visits = {visit.code: visit for visit in visits_of_history(person, TODAY)}
    d14, d28, m3 = visits["d14"], visits["d28"], visits["m3"]
    typed = {
        f"on-{d28.pk}": (d28.target + timedelta(days=21)).isoformat(),
        f"missed-{d14.pk}": "on",
        f"on-{m3.pk}": "31 June",
        "on-new1": "2026-05-20",
        "why-new1": "fever",
    }
    with time_machine.travel(NOW, tick=False):
        client.force_login(User.objects.create_superuser("anna"))
        show_who_one_is(client)
        assert client.get(address).status_code == 200
        refused = client.post(address, {**typed, "reason": ""})
        text = refused.content.decode()
        assert refused.status_code == 422
        assert set(refused.context["form"].errors) == {"reason", f"on-{m3.pk}"}
        assert 'value="31 June"' in text, "what was typed is kept"
        assert not Visit.objects.filter(participant=person, performed_on__isnull=False).exists()
        ahead = {**typed, f"on-{m3.pk}": "2026-12-01", "reason": "from the paper file"}
        refused = client.post(address, ahead)
        assert "in the future" in str(refused.context["form"].errors[f"on-{m3.pk}"])
        assert not Visit.objects.filter(participant=person, performed_on__isnull=False).exists(), (
            "all or nothing"
        )
        right = {**typed, f"on-{m3.pk}": m3.target.isoformat(), "reason": "from the paper file"}
        assert client.post(address, right).status_code == 302
    person.refresh_from_db()
    assert person.history_since is None
    drafts = Deviation.objects.filter(visit__code__in=["d14", "d28", "m3"])
    assert sorted(drafts.values_list("visit__code", "kind")) == [("d14", "missed"), ("d28", "outside-window")]
    assert not Deviation.objects.exclude(lapsed_on=None, withdrawn_on=None).exists()
    added = Visit.objects.get(participant=person, unscheduled=True)
    assert added.performed_on == date(2026, 5, 20)
    acts = AuditEntry.objects.filter(model="schedules.visit", reason="from the paper file")
    assert len(set(acts.values_list("act", flat=True))) == 1


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_sheet_fills_in_the_form_and_saves_nothing(client: Client, kind: str) -> None:
    (person,) = enrolled()
    address = reverse("history-whole", args=[person.pk])
    with time_machine.travel(NOW, tick=False):
        client.force_login(User.objects.create_superuser("anna"))
        show_who_one_is(client)
        sheet = client.get(reverse(f"history-{kind}", args=[person.pk]))
        content = b"".join(sheet.streaming_content) if sheet.streaming else sheet.content
        filled = _filled(
            content, kind, {"d28": ("2026-04-20", ""), "d14": ("", "x"), "d99": ("2026-04-01", "")}
        )
        answer = client.post(
            address, {"action": "read", "sheet": SimpleUploadedFile(f"history.{kind}", filled)}
        )
        text = answer.content.decode()
        assert answer.status_code == 200
        assert "no visit “d99” is left to be recorded" in text
        d28, d14 = (Visit.objects.get(participant=person, code=code) for code in ("d28", "d14"))
        assert answer.context["form"].data[f"on-{d28.pk}"] == "2026-04-20"
        assert answer.context["form"].data[f"missed-{d14.pk}"] == "on"
        assert not Visit.objects.filter(participant=person, performed_on__isnull=False).exists()
        wrong = SimpleUploadedFile("history.xlsx", b"PK\x03\x04 no workbook")
        assert "neither CSV" in client.post(address, {"action": "read", "sheet": wrong}).content.decode()
        assert "Choose a file" in client.post(address, {"action": "read"}).content.decode()


def _filled(content: bytes, kind: str, said: dict[str, tuple[str, str]]) -> bytes:
    """A sheet that was downloaded, with days and misses filled in, and one visit more than there is."""
    if kind == "csv":
        lines = content.decode("utf-8-sig").splitlines()
        rows = [next(csv.reader([line]), []) for line in lines]
    else:
        rows = [
            list(row) for row in load_workbook(BytesIO(content)).worksheets[0].iter_rows(values_only=True)
        ]
    place = next(n for n, row in enumerate(rows) if row and row[0] == "visit")
    rows.append(["d99", *[""] * 7])
    for row in rows[place + 1 :]:
        if row and row[0] in said:
            row[4], row[6] = said[row[0]]
    if kind == "csv":
        written = StringIO()
        csv.writer(written).writerows(rows)
        return written.getvalue().encode()
    book, out = Workbook(), BytesIO()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(out)
    return out.getvalue()


def test_a_whole_history_comes_through_the_api_in_one_act() -> None:
    (person,) = enrolled()
    user = User.objects.create_user("edc")
    Membership.objects.create(user=user, site=person.site, role=Role.COORDINATOR, starts_on=date(2020, 1, 1))
    token = issue_api_token(user=user, name="Rave", scope=TokenScope(acts=ApiAct.values))[1]
    visits = past(person, late="d28", missed="d14")
    sent = [
        {"code": one.code, **({"on": one.on.isoformat()} if one.on else {"missed": True})} for one in visits
    ]

    def post(body: object, key: str) -> Any:
        return Client().post(
            f"/api/v1/participants/{person.pk}/history",
            body,
            content_type="application/json",
            headers={"authorization": f"Bearer {token}", "idempotency-key": key},
        )

    with time_machine.travel(NOW, tick=False):
        strange = {"code": "d99", "on": "2026-04-01"}
        wrong = post(
            {"visits": [*sent, {"code": "d99", "on": "2026-04-01"}, {"code": "m12"}], "reason": "x"}, "a"
        )
        attrs = {one["attr"] for one in wrong.json()["errors"]}
        assert (wrong.status_code, attrs) == (400, {f"visits.{len(sent) + 1}.on"})
        wrong = post({"visits": [*sent, strange], "reason": "x"}, "b")
        assert {one["attr"] for one in wrong.json()["errors"]} == {f"visits.{len(sent)}.code"}
        assert not Visit.objects.filter(participant=person, performed_on__isnull=False).exists()
        answer = post({"visits": sent, "reason": "from the paper file"}, "c")
        assert (answer.status_code, answer.json()) == (201, {"visits": len(sent)})
    drafts = Deviation.objects.filter(visit__code__in=[one.code for one in visits])
    assert sorted(drafts.values_list("visit__code", "kind")) == [("d14", "missed"), ("d28", "outside-window")]
    person.refresh_from_db()
    assert person.history_since is None
