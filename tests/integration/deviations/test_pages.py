"""The log of deviations and the page of one: filtered, kept as a table, classified, overtaken, signed."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags
from openpyxl import load_workbook

from schedules.domain.deviations.drafts import Assessment
from schedules.models import Deviation
from schedules.selectors.deviations import log
from schedules.selectors.trust.signing import signable_deviation
from schedules.services.deviations.classification import assess_deviation, withdraw_deviation
from schedules.services.enrolment.enrolling import enrol
from tests.cast import a_site, an_enrolment
from tests.integration.deviations.conftest import a_user, at, done, undone, visit
from trials.domain.audit.signing import How, Proof
from trials.domain.errors import Refused
from trials.models import Meaning, Role
from trials.services.audit.signatures import sign

pytestmark = pytest.mark.django_db
NOW = at(12, 27)
SAID = {
    "description": "The road was closed.",
    "classification": "important",
    "affects_safety": "no",
    "affects_rights": "no",
    "affects_data": "yes",
    "cause": "Snow.",
    "action": "Calls two days ahead.",
    "reported_to_sponsor_on": "2026-12-27",
}
FULL = Assessment("=HYPERLINK(1)", "minor", False, False, True, cause="@cause", action="-1")


@pytest.fixture(autouse=True)
def sunday() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def browser(role: Role = Role.COORDINATOR, site: str = "WH") -> Client:
    client = Client()
    client.force_login(a_user(role, f"{role.value}-{site}", site=a_site(site)))
    return client


def act(one: Deviation, which: str = "assess") -> str:
    return reverse("deviation-act", kwargs={"pk": one.pk, "act": which})


def classified(one: Deviation, said: Assessment = FULL) -> Deviation:
    return assess_deviation(deviation=one, version=one.version, said=said, by=None, now=NOW, reason="so")


# --- a person says what it is -----------------------------------------------------------------------
def test_it_is_classified_on_its_page(late) -> None:
    client = browser()
    page = client.get(reverse("deviation", kwargs={"pk": late.pk})).content.decode()
    assert "3 days late" in page
    assert "a storm closed the road" in page
    assert "Nobody has described and classified it yet." in page
    assert "No deviations yet" not in page, "it is one"
    answer = client.post(act(late), {"version": 1, **SAID}, follow=True)
    assert "Calls two days ahead." in answer.content.decode()
    late.refresh_from_db()
    assert (late.classification, late.affects_data, late.affects_rights) == ("important", True, False)


@pytest.mark.parametrize(
    ("opens", "closes", "reads"),
    [
        (None, date(2026, 12, 23), "until Wed 23 Dec"),
        (date(2026, 12, 19), None, "from Sat 19 Dec"),
        (date(2026, 12, 19), date(2026, 12, 23), "Sat 19 Dec – Wed 23 Dec"),
        (date(2026, 12, 19), date(2026, 12, 19), "Sat 19 Dec"),
    ],
)
def test_an_end_of_a_window_that_is_not_known_is_no_dash(late, opens, closes, reads) -> None:
    Deviation.objects.filter(pk=late.pk).update(opens=opens, closes=closes)
    client = browser()
    for address in (reverse("deviation", kwargs={"pk": late.pk}), reverse("deviations")):
        page = strip_tags(client.get(address).content.decode())
        assert reads in " ".join(page.split())
        assert "– –" not in page


def test_what_is_incomplete_comes_back_filled(late) -> None:
    answer = browser().post(act(late), {"version": 1, **SAID, "cause": "", "affects_data": "no"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "answer yes to one of them, or classify it as minor" in page
    assert "needs its cause" in page
    assert "The road was closed." in page


def test_the_slower_one_keeps_what_was_typed(late) -> None:
    client = browser()
    classified(late)
    answer = client.post(act(late), {"version": 1, **SAID, "reason": "the sponsor's view"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody else was quicker" in page
    assert "Calls two days ahead." in page
    typed = {"version": answer.context["form"]["version"].value(), **SAID, "reason": "the sponsor's view"}
    assert client.post(act(late), typed).status_code == 302


def test_it_is_withdrawn_and_brought_back(late, participant) -> None:
    client, home = browser(), reverse("deviation", kwargs={"pk": late.pk})
    client.post(act(late, "withdraw"), {"version": 1, "reason": "agreed with the sponsor"})
    page = client.get(home).content.decode()
    assert "agreed with the sponsor" in page
    assert act(late, "reinstate") in page
    assert act(late) not in page
    client.post(act(late, "reinstate"), {"version": 2, "reason": "it was not"})
    undone(visit("d14", participant), at(12, 22))
    page = client.get(home).content.decode()
    assert "was withdrawn" in page
    client.post(act(late, "uphold"), {"version": 4, "reason": "the chart was right"})
    assert Deviation.objects.get().lapsed_because == "upheld"


# --- who may ------------------------------------------------------------------------------------------
def test_out_of_sight_is_not_there(late) -> None:
    elsewhere = browser(site="NJ")
    assert elsewhere.get(reverse("deviation", kwargs={"pk": late.pk})).status_code == 404
    assert elsewhere.post(act(late), {"version": 1, **SAID}).status_code == 404
    assert "S01-001" not in elsewhere.get(reverse("deviations")).content.decode()
    assert b"S01-001" not in b"".join(elsewhere.get(reverse("deviations-export", args=["csv"])))


def test_whoever_only_reads_may_not_classify(late) -> None:
    monitor = browser(Role.MONITOR)
    assert act(late) not in monitor.get(reverse("deviation", kwargs={"pk": late.pk})).content.decode()
    assert monitor.post(act(late), {"version": 1, **SAID}).status_code == 403
    assert browser().get(act(late, "explode")).status_code == 404


# --- signed -------------------------------------------------------------------------------------------
def test_a_classification_is_signed_and_the_signature_void_once_it_changes(late) -> None:
    by = a_user(Role.INVESTIGATOR, "signs")

    def signed(one: Deviation) -> None:
        record = signable_deviation(Deviation.objects.get(pk=one.pk))
        proof = Proof(by.pk, How.PASSWORD, NOW)
        sign(record=record, meaning=Meaning.REVIEWED, shown=record.digest, by=by, proof=proof, now=NOW)

    with pytest.raises(Refused, match="classify it before you sign"):
        signed(late)
    signed(classified(late))
    client = browser()
    assert "signed" in client.get(reverse("deviations")).content.decode()
    home = reverse("deviation", kwargs={"pk": late.pk})
    said = client.get(home).content.decode()
    assert "Dr. Chen" in said
    assert "Void" not in said
    classified(Deviation.objects.get(), Assessment("another", "minor", False, False, False))
    page = client.get(reverse("deviations")).content.decode()
    assert "signature void" in page
    void = strip_tags(client.get(home).content.decode())
    assert "Void" in void
    assert "another" in void.partition("Changed since it was signed")[2], "what changed is named"
    withdraw_deviation(deviation=late, version=3, by=None, reason="none after all", now=NOW)
    with pytest.raises(Refused, match="It was withdrawn"):
        signed(late)


# --- the log ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("", True),
        ("q=s01-0", True),
        ("q=S02", False),
        ("kind=outside-window", True),
        ("kind=missed", False),
        ("state=draft", True),
        ("state=classified", False),
        ("state=no-longer-so", False),
        ("state=withdrawn", False),
        ("class=minor", False),
        ("from=2026-12-26&to=2026-12-26", True),
        ("from=2026-12-27", False),
        ("to=2026-12-25", False),
        ("site=999", False),
        ("site=&trial=&kind=&from=&after=", True),
    ],
)
def test_filters(late, asked, shown) -> None:
    page = browser().get(f"{reverse('deviations')}?{asked}")
    assert page.status_code == 200
    assert (late in [row.deviation for row in page.context["rows"]]) is shown


def test_pages_by_key_in_a_constant_number_of_queries(late, participant, monkeypatch) -> None:
    client = browser()
    client.get(reverse("deviations"))

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse("deviations"))
        return len(asked)

    one = queries()
    for number in range(2, 5):
        other = enrol(
            enrolment=an_enrolment(participant.protocol_version, subject_code=f"S01-00{number}"), by=None
        )
        done(visit("screening", other), date(2026, 10, number), at(11, 3), why="early")
    assert queries() == one
    monkeypatch.setattr(log, "PAGE", 3)
    first = client.get(reverse("deviations"))
    codes = [row.deviation.participant.subject_code for row in first.context["rows"]]
    second = client.get(reverse("deviations") + first.context["next"])
    codes += [row.deviation.participant.subject_code for row in second.context["rows"]]
    assert codes == ["S01-001", "S01-004", "S01-003", "S01-002"]
    assert second.context["next"] == ""


# --- kept as a table ----------------------------------------------------------------------------------
def test_the_log_is_kept_as_csv_and_as_a_workbook(late) -> None:
    classified(late)
    client = browser()
    text = b"".join(client.get(reverse("deviations-export", args=["csv"]) + "?state=classified")).decode()
    head, table = text.split("\r\n\r\n")
    assert "Software,Dayzero" in head
    assert "Made by,coordinator-WH (Dr. Chen Yu)" in head
    assert "Filters,state=classified" in head
    heads, row = table.splitlines()
    assert heads.startswith("Number,Trial,Site,Participant,Kind")
    assert "Visit outside its window,Day 14,classified,2026-12-26,2026-12-26,2026-12-21" in row
    assert ",,3," in row, "three days late, and not early"
    for neutral in ("'=HYPERLINK(1)", "'@cause", "'-1"):
        assert neutral in row
    answer = client.get(reverse("deviations-export", args=["xlsx"]))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="deviations-2026-12-27.xlsx"'
    book = load_workbook(BytesIO(b"".join(answer.streaming_content)))
    values = dict(zip(*book["Table"].values, strict=True))
    assert (values["Days late"], values["Description"]) == (3, "'=HYPERLINK(1)")
    assert book["About"]["A1"].value == "Software"
