"""The list of participants, and the page of one."""

from __future__ import annotations

import re
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.utils.translation import override

from participants.domain.fact_kinds import FactKind
from participants.domain.lifecycle import Step
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.windows.verdicts import VerdictStatus
from schedules.models import CalendarFeed, Visit
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.web.participants.next_step import next_step
from tests.cast import a_version
from tests.integration.web.conftest import MORNING, TODAY, Enrol, count_queries, with_role
from tests.protocols import document_of, long_protocol
from trials.models import ProtocolVersion, Role, Site

DAY = timedelta(days=1)


def test_the_list_shows_who_is_in_sight_and_what_comes_next(
    page: Client, enrolled: Enrol, other_site: Site
) -> None:
    enrolled("S01-001", TODAY - 20 * DAY)
    enrolled("S02-001", TODAY, site=other_site)
    text = page.get("/participants/").content.decode()
    assert "S01-001" in text
    assert "S02-001" not in text
    assert "D20" in text, "today, counted from day zero"
    assert "<b>D28</b>" in text, "the next visit"
    assert "1 participant" in text


def test_the_list_is_searched_and_paged(
    page: Client, enrolled: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedules.web.participants.views.PER_PAGE", 2)
    for number in (1, 2, 13):
        enrolled(f"S01-{number:03}", TODAY)
    shown = [row.participant.subject_code for row in page.get("/participants/").context["rows"]]
    assert shown == ["S01-001", "S01-002"]
    assert "Page 1 of 2" in page.get("/participants/").content.decode()
    found = page.get("/participants/?q=013").context["rows"]
    assert [row.participant.subject_code for row in found] == ["S01-013"]
    assert "Nobody matches." in page.get("/participants/?q=nobody").content.decode()
    assert page.get("/participants/?page=&site=&trial=").status_code == 200


def test_queries_of_the_list_do_not_grow(page: Client, enrolled: Enrol) -> None:
    enrolled("S01-001")
    few = count_queries(lambda: page.get("/participants/"))
    for number in range(2, 8):
        enrolled(f"S01-{number:03}")
    assert count_queries(lambda: page.get("/participants/")) == few


def test_the_page_has_every_visit_with_its_reason(page: Client, enrolled: Enrol) -> None:
    participant = enrolled(infusion=date(2026, 12, 7), traits=["lymphodepletion"])
    answer = page.get(f"/participants/{participant.pk}/")
    text = answer.content.decode()
    assert f"<title>S01-001 WH · {participant.trial.code} · Dayzero</title>" in text
    for visit in Visit.objects.all():
        assert f'id="visit-{visit.code}"' in text
    assert text.count("<summary>") >= Visit.objects.count()
    assert "Mon 4 Jan is 28 days after Infusion (planned Mon 7 Dec)." in text
    assert "Protocol version 2025-12-10." in text


def test_the_timeline_has_words_for_whoever_cannot_see_it(page: Client, enrolled: Enrol) -> None:
    participant = enrolled(infusion=date(2026, 12, 7))
    text = page.get(f"/participants/{participant.pk}/").content.decode()
    assert text.count('role="img"') == 4, "two panels, each for wide and for narrow screens"
    assert "Visits by target: Screening Mon 9 Nov; D0 Mon 7 Dec;" in text
    assert " style=" not in text


def test_an_assumed_day_is_drawn_and_named_as_assumed(page: Client, enrolled: Enrol) -> None:
    participant = enrolled(infusion=date(2026, 12, 7), traits=["lymphodepletion"])
    rows = {
        row.planned.code: row for row in page.get(f"/participants/{participant.pk}/").context["page"].visits
    }
    assert rows["ld-1"].assumption is not None, "it counts from a day that nobody stated"
    assert rows["d28"].assumption == "ladder, days 22 to 28"
    assert not rows["rest"].assumed, "the record states it, and the infusion was planned by a person"


def test_where_a_visit_stands_is_derived_and_said_in_words(page: Client, enrolled: Enrol) -> None:
    participant = enrolled(infusion=TODAY - 32 * DAY, given=True)
    Visit.objects.filter(code="d14").update(performed_on=TODAY - 18 * DAY)
    rows = {
        row.planned.code: row for row in page.get(f"/participants/{participant.pk}/").context["page"].visits
    }
    assert {code: rows[code].standing.said.value for code in ("d14", "d28", "m3")} == {
        "d14": "done",
        "d28": "to-record",
        "m3": "upcoming",
    }
    text = page.get(f"/participants/{participant.pk}/").content.decode()
    assert "To record</span>" in text
    assert "Missed</span>" not in text, "nobody said so"


def test_in_chinese_labels_and_reasons_are_chinese(page: Client, enrolled: Enrol) -> None:
    participant = enrolled(infusion=date(2026, 12, 7))
    page.cookies["django_language"] = "zh-hans"
    text = page.get(f"/participants/{participant.pk}/").content.decode()
    assert '<html lang="zh-hans"' in text
    for word in ("受试者", "访视窗", "回输", "筛选", "随访", "日期依据", "方案时限要求"):
        assert word in text
    assert "2027年1月4日（周一）为回输后 28 天（计划12月7日（周一））" in text


LD, ZERO = "lymphodepletion-start", TODAY + 5 * DAY


@pytest.mark.parametrize(
    ("course", "offered", "reason"),
    [
        ("screening", {"day-zero"}, "nothing can be on hold before chemotherapy"),
        ("chemotherapy", {"day-zero", "hold"}, "the infusion can be delayed"),
        ("infused", set(), "nothing waits any more, and the day is what it is"),
        ("over", set(), "a course that ended without an infusion looks for no day"),
    ],
)
def test_what_is_offered_can_be_done(
    page: Client, enrolled: Enrol, course: str, offered: set[str], reason: str
) -> None:
    begun = {LD: AnchorDay(ZERO - 6 * DAY, AnchorKind.ACTUAL)} if course == "chemotherapy" else {}
    traits = frozenset({"lymphodepletion"})
    zero = TODAY - DAY if course == "infused" else ZERO
    person = enrolled("S01-001", zero, given=course == "infused", anchors=begun, traits=traits)
    if course == "over":
        over = StepRequest(Step.SCREEN_FAILURE, TODAY)
        take_step(participant=person, version=1, request=over, by=None, reason="so", now=MORNING)
    text = page.get(f"/participants/{person.pk}/").content.decode()
    acts = re.findall(
        r'<a (?:class="button" )?href="([^"]+)"',
        text.partition('<nav class="acts"')[2].partition("</nav>")[0],
    )
    assert {act for act in ("day-zero", "hold") if any(act in link for link in acts)} == offered, reason
    for link in acts:
        opened = page.get(link.replace("&amp;", "&"))
        assert opened.status_code == 200, link
        assert "nothing can be on hold" not in opened.content.decode(), link


def test_who_is_out_of_sight_does_not_exist(page: Client, enrolled: Enrol, other_site: Site) -> None:
    participant = enrolled(site=other_site)
    assert page.get(f"/participants/{participant.pk}/").status_code == 404
    assert page.get(f"/calendars/new/?participant={participant.pk}").status_code == 404
    assert page.get("/participants/999999/").status_code == 404
    assert not CalendarFeed.objects.exists()


def test_queries_of_the_page_do_not_grow_with_visits(page: Client, enrolled: Enrol) -> None:
    counts = set()
    for visits in (10, 60):
        version = a_version(text=document_of(long_protocol(visits)))
        participant = enrolled(f"S{visits}-001", version=version)
        counts.add(count_queries(lambda pk=participant.pk: page.get(f"/participants/{pk}/")))
    assert len(counts) == 1
    assert counts.pop() <= 24, "the record is read once; four for reminders and history"


def test_the_next_step_stands_first_with_one_button(page: Client, enrolled: Enrol) -> None:
    """To record before to book, and what was done is undone from the page itself."""
    pk = enrolled(infusion=TODAY - 28 * DAY, given=True).pk
    Visit.objects.exclude(code="d28").update(performed_on=F("target"))
    address = f"/participants/{pk}/"
    step = page.get(address).context["step"]
    assert (step.act, step.on) == ("book", TODAY)
    said = {"version": step.visit.version, "section": "record", "back": address, "on": TODAY.isoformat()}
    assert page.post(f"/today/visits/{step.visit.pk}/book/", said)["Location"].startswith(address)
    shown = page.get(address)
    assert "is booked for" in shown.content.decode()
    assert f"/today/visits/{step.visit.pk}/undo/" in shown.content.decode()
    assert shown.context["step"].title == "D28 is today"
    Visit.objects.filter(pk=step.visit.pk).update(booked_on=TODAY - DAY)
    late = page.get(address).context["step"]
    assert (late.act, late.on, late.grave) == ("done", TODAY - DAY, True)


@pytest.mark.parametrize(("timing", "days"), [("offset", 0), ("over", 1)])
def test_a_day_on_the_ward_is_recorded_and_never_booked(
    page: Client, enrolled: Enrol, timing: str, days: int
) -> None:
    """As on Today: its block gives the day. The rest before an infusion is such a stay over two days."""
    pk = enrolled(infusion=TODAY - 28 * DAY, given=True).pk
    Visit.objects.exclude(code="d28").update(performed_on=F("target"))
    ward = {"place": "ward", "timing": timing, "opens": TODAY, "target": TODAY}
    Visit.objects.filter(code="d28").update(**ward, closes=TODAY + days * DAY)
    step = page.get(f"/participants/{pk}/").context["step"]
    assert (step.title, step.act, step.on) == ("D28 is today", "done", TODAY)
    assert [row.work.line.mark for row in page.get("/").context["coming_rows"]] == ["D28"]
    Visit.objects.filter(code="d28").update(
        opens=TODAY + DAY, target=TODAY + DAY, closes=TODAY + (1 + days) * DAY
    )
    assert page.get(f"/participants/{pk}/").context["step"] is None


def test_roles_without_subscriptions_are_told_so(enrolled: Enrol, site: Site) -> None:
    participant = enrolled()
    client = Client()
    client.force_login(with_role("monitor", Role.MONITOR, site))
    assert (
        "does not allow calendar subscriptions"
        in client.get(f"/participants/{participant.pk}/").content.decode()
    )
    refused = client.get(f"/calendars/new/?participant={participant.pk}")
    assert refused.status_code == 403
    assert "does not allow calendar subscriptions" in refused.content.decode()


def test_a_participant_without_working_days_still_has_a_page(
    enrolled: Enrol, other_site: Site, version: ProtocolVersion
) -> None:
    client = Client()
    client.force_login(with_role("there", Role.COORDINATOR, other_site))
    participant = enrolled(site=other_site)
    text = client.get(f"/participants/{participant.pk}/").content.decode()
    assert "The site has no table of working days" in text


@pytest.mark.parametrize(
    ("language", "because", "missing", "words"),
    [
        ("en", ("Nobody has confirmed it.",), (), "Nobody has confirmed it."),
        ("zh-hans", ("尚未确认。",), ("血常规",), "尚未确认。"),
        ("zh-hans", (), ("血常规",), "缺少：血常规。"),
        ("en", (), ("a blood count",), "Missing: a blood count."),
    ],
)
def test_the_next_step_says_a_missing_fact_as_one_sentence(
    language: str, because: tuple[str, ...], missing: tuple[str, ...], words: str
) -> None:
    nobody = SimpleNamespace(pk=1, history_since=None, visits=SimpleNamespace(all=list))
    page: Any = SimpleNamespace(participant=nobody, visits=[], reading=SimpleNamespace(today=TODAY))
    cannot = SimpleNamespace(status=VerdictStatus.CANNOT_JUDGE)
    row: Any = SimpleNamespace(
        flag=1, verdict=cannot, feeds=(FactKind.TEST,), because=because, missing=missing, label="x"
    )
    with override(language):
        step = next_step(page, [row])
    assert step is not None
    assert step.words == words


def test_the_list_says_the_booked_day_of_the_next_visit_else_its_window(
    page: Client, enrolled: Enrol
) -> None:
    person = enrolled("S01-001", TODAY - 20 * DAY)
    visit = Visit.objects.get(participant=person, code="d28")
    days = re.compile(r"<b>D28</b>(.*?)</td>", re.DOTALL)

    def shown() -> list[str]:
        (cell,) = days.findall(page.get("/participants/").content.decode())
        return re.findall(r'datetime="([^"]+)"', cell)

    assert shown() == [visit.opens.isoformat(), visit.closes.isoformat()]
    booked = visit.target + DAY
    Visit.objects.filter(pk=visit.pk).update(booked_on=booked)
    assert shown() == [booked.isoformat()]


def test_the_page_says_verdicts_on_the_lanes_and_folds_what_is_kept(page: Client, enrolled: Enrol) -> None:
    person = enrolled("S01-001", TODAY - timedelta(days=5), given=True)
    answer = page.get(f"/participants/{person.pk}/")
    content = answer.content.decode()
    assert "? Cannot be judged" in content, "sign and word behind the name of a lane"
    lanes = [lane.fact.verdict for lane in answer.context["timeline"][0].wide.lanes]
    assert lanes[0] in ("violated", "at-risk", "cannot-judge"), "the gravest first"
    folded = answer.context["verdicts_folded"]
    assert all(row.verdict.status in ("kept", "not-yet", "waived") for row in folded)
    assert len(folded) + len(answer.context["verdicts_first"]) == len(answer.context["verdicts"])


def test_the_page_marks_bookings_and_tells_what_was_changed_last(page: Client, enrolled: Enrol) -> None:
    person = enrolled("S01-001", TODAY - timedelta(days=27), given=True)
    visit = Visit.objects.get(participant=person, code="d28")
    page.post(f"/visits/{visit.pk}/book/", {"on": str(TODAY + timedelta(days=1)), "version": visit.version})
    content = page.get(f"/participants/{person.pk}/").content.decode()
    assert content.count('class="booked-mark"') > 1
    assert "What was changed last" in content
    assert "2026-11-24" in content
