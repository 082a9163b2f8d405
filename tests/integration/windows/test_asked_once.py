"""What is asked once, when the answer holds: by the booked screening, at the visit, and no sooner."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from participants.domain.fact_kinds import Confirmation, Vaccination
from participants.models import Fact, Participant
from schedules.domain.errors import VisitRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Booking, Completion
from schedules.models import Deviation, Flag, ProtocolWindow, Visit
from schedules.selectors.pages.visit import visit_page
from schedules.services.enrolment.enrolling import enrol
from schedules.services.visits.appointments import book_visit, complete_visit, unbook_visit, undo_visit
from schedules.services.windows.evaluation import sweep_windows
from schedules.services.windows.facts import record_fact
from tests.cast import a_version, an_enrolment, show_who_one_is
from trials.models import User

pytestmark = pytest.mark.django_db
SHANGHAI = ZoneInfo("Asia/Shanghai")
VACCINES = "live-vaccine-washout"


def noon(day: int, month: int = 11) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=SHANGHAI)


@pytest.fixture
def person() -> Participant:
    """Of NCT07331467: infusion planned for Monday 7 December, so that screening is expected on 9 November."""
    anchors = {
        "infusion": AnchorDay(date(2026, 12, 7)),
        "consent": AnchorDay(date(2026, 11, 2), AnchorKind.ACTUAL),
    }
    enrolment = an_enrolment(anchors=anchors, version=a_version("NCT07331467"), today=date(2026, 11, 2))
    return enrol(enrolment=enrolment, by=None)


def screening(person: Participant) -> Visit:
    return Visit.objects.get(participant=person, code="screening")


def booked(person: Participant, day: int) -> None:
    visit = screening(person)
    book_visit(visit=visit, version=visit.version, booking=Booking(date(2026, 11, day)), by=None, now=noon(5))


def asked(person: Participant) -> set[str]:
    flags = Flag.objects.filter(participant=person, cleared_at=None).select_related("window")
    return {flag.window.code for flag in flags if flag.window}


def ends(person: Participant) -> date | None:
    return ProtocolWindow.objects.get(participant=person, code=VACCINES).ends_on


def test_washouts_count_from_the_day_for_which_screening_is_booked(person: Participant) -> None:
    assert ends(person) == date(2026, 11, 9), "the first day of its range stands for it"
    booked(person, 18)
    assert ends(person) == date(2026, 11, 18)
    visit = screening(person)
    unbook_visit(visit=visit, version=visit.version, by=None, reason="no bed", now=noon(6))
    assert ends(person) == date(2026, 11, 9)


def test_nobody_is_asked_for_a_washout_before_screening_has_a_day(person: Participant) -> None:
    for day in (6, 9, 10, 12):
        sweep_windows(now=noon(day))
        assert VACCINES not in asked(person), day
    booked(person, 18)
    for day in (13, 16, 17):
        sweep_windows(now=noon(day))
        assert VACCINES not in asked(person), "said sooner it would not reach the day of screening"
    sweep_windows(now=noon(18))
    assert VACCINES in asked(person)


def test_what_lies_inside_by_an_assumed_screening_day_is_not_violated(person: Participant) -> None:
    """A vaccine of 20 October is within four weeks of 9 November, and not of the 18th."""
    record_fact(
        participant=person, fact=Vaccination("live-vaccine", date(2026, 10, 20)), by=None, now=noon(5)
    )
    sweep_windows(now=noon(12))
    assert not Deviation.objects.exists()
    booked(person, 18)
    sweep_windows(now=noon(18))
    assert not Deviation.objects.exists()
    assert VACCINES not in asked(person), "the last one on record was before the window"


def test_an_answer_on_the_day_of_screening_is_the_last_word(person: Participant) -> None:
    booked(person, 18)
    visit = screening(person)
    complete_visit(
        visit=visit, version=visit.version, completion=Completion(date(2026, 11, 18)), by=None, now=noon(18)
    )
    said = Confirmation("live-vaccine", noon(18))
    record_fact(participant=person, fact=said, by=None, now=noon(18))
    for day in (18, 19, 25):
        sweep_windows(now=noon(day))
        assert VACCINES not in asked(person), day


def asked_for(person: Participant, code: str, now: datetime) -> set[str]:
    visit = Visit.objects.select_related("participant__protocol_version", "participant__site").get(
        participant=person, code=code
    )
    return {question.window for question in visit_page(visit, now).questions().questions}


def test_the_form_of_screening_asks_what_its_windows_need(person: Participant, client: Client) -> None:
    """Said with the visit, on its day: nothing of it is asked for again."""
    booked(person, 18)
    washouts = {"infarction-free", "infection-free", "transplant-free", "gvhd-free", VACCINES}
    wanted = washouts | {"other-trial-washout", "prior-treatment"}
    assert asked_for(person, "screening", noon(18)) == wanted
    user = User.objects.create_superuser("anna")
    client.force_login(user)
    show_who_one_is(client)
    visit = screening(person)
    with time_machine.travel(noon(18), tick=False):
        page = client.get(f"/visits/{visit.pk}/complete/")
        assert "To be asked at this visit" in page.content.decode()
        said = {f"window-{code}": "kept" for code in wanted}
        typed = {"version": visit.version, "on": "2026-11-18", "at": "10:00", **said}
        for activity in page.context["form"].asked:
            typed[f"activity-{activity.code}"] = "done"
        assert client.post(f"/visits/{visit.pk}/complete/", typed).status_code == 302
    facts = Fact.objects.filter(participant=person, kind="confirmation")
    assert set(facts.values_list("of", flat=True)) == wanted
    for day in (18, 19, 30):
        sweep_windows(now=noon(day))
        assert not asked(person) & wanted, day


def test_contraception_is_asked_at_every_visit_of_its_window_and_may_be_answered_with_no(
    person: Participant,
) -> None:
    d0 = Visit.objects.get(participant=person, code="d0")
    infused = Completion(date(2026, 12, 7), outside_reason="-", confirmed={"contraception": True})
    complete_visit(visit=d0, version=d0.version, completion=infused, by=None, now=noon(7, 12))
    sweep_windows(now=noon(8, 12))
    assert "contraception" not in asked(person)
    later = Visit.objects.filter(participant=person, target__gt=date(2026, 12, 8)).order_by("target")[0]
    assert "contraception" in asked_for(person, later.code, noon(20, 12))
    said = Completion(later.target, confirmed={"contraception": False})
    at = datetime.combine(later.target, datetime.min.time(), SHANGHAI).replace(hour=12)
    complete_visit(visit=later, version=later.version, completion=said, by=None, now=at)
    assert Deviation.objects.filter(window__code="contraception").exists(), "asked, and not kept"


def test_a_visit_that_says_nothing_asks_as_before(person: Participant) -> None:
    """An import answers nothing, and the flag stands until somebody does."""
    d0 = Visit.objects.get(participant=person, code="d0")
    infused = Completion(date(2026, 12, 7), outside_reason="-")
    complete_visit(visit=d0, version=d0.version, completion=infused, by=None, now=noon(7, 12))
    sweep_windows(now=noon(8, 12))
    assert "contraception" in asked(person)


def test_an_unlikely_day_is_asked_about_with_the_visit_and_not_again_with_its_answers(
    person: Participant,
) -> None:
    visit, before = screening(person), date(2026, 10, 30)
    said = Completion(before, outside_reason="by phone", confirmed={VACCINES: True}, sure=True)
    complete_visit(visit=visit, version=visit.version, completion=said, by=None, now=noon(18))
    assert Fact.objects.get(participant=person, of=VACCINES).starts_on == before


@pytest.mark.parametrize("at", [None, noon(18)])
def test_undoing_a_visit_withdraws_what_was_confirmed_at_it(person: Participant, at: datetime | None) -> None:
    """The answers stood, though the visit at which they were given had not taken place."""
    visit = screening(person)
    said = Completion(date(2026, 11, 18), at, confirmed={VACCINES: True})
    complete_visit(visit=visit, version=visit.version, completion=said, by=None, now=noon(18))
    other = record_fact(participant=person, fact=Confirmation("infection", noon(18)), by=None, now=noon(18))
    visit.refresh_from_db()
    undo_visit(visit=visit, version=visit.version, by=None, reason="another person", now=noon(19))
    facts = Fact.objects.filter(participant=person, kind="confirmation", withdrawn_at=None)
    assert list(facts) == [other.stored], "what was said elsewhere stays"
    gone = Fact.objects.get(participant=person, of=VACCINES)
    assert (gone.withdrawn_at, gone.withdrawn_reason) == (noon(19), "another person")
    assert VACCINES in asked_for(person, "screening", noon(19)), "asked again at the visit"


@pytest.fixture
def woman() -> Participant:
    """Of NCT07339332, who may be pregnant: hCG at screening and within 48 hours before chemotherapy."""
    anchors = {
        "infusion": AnchorDay(date(2026, 12, 7)),
        "consent": AnchorDay(date(2026, 11, 2), AnchorKind.ACTUAL),
    }
    enrolment = an_enrolment(
        anchors=anchors,
        version=a_version("NCT07339332"),
        today=date(2026, 11, 2),
        traits=frozenset({"childbearing_potential"}),
    )
    return enrol(enrolment=enrolment, by=None)


def results_at(person: Participant, code: str, now: datetime) -> set[str]:
    visit = Visit.objects.select_related("participant__protocol_version", "participant__site").get(
        participant=person, code=code
    )
    return {one.test for one in visit_page(visit, now).questions().results}


def signed_in(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("anna"))
    show_who_one_is(client)
    return client


def test_the_form_of_done_asks_for_the_results_that_its_windows_need(
    woman: Participant, client: Client
) -> None:
    visit = screening(woman)
    now = datetime.combine(visit.target, time(12), SHANGHAI)
    assert results_at(woman, "screening", now) == {"hcg", "echocardiography"}
    assert results_at(woman, "screening", now + timedelta(days=9)) == {"hcg", "echocardiography"}
    address = f"/visits/{visit.pk}/complete/"
    with time_machine.travel(now, tick=False):
        page = signed_in(client).get(address)
        form = page.context["form"]
        assert "awaited" in page.content.decode()
        typed = {"version": visit.version, "on": visit.target.isoformat()}
        typed |= {f"activity-{one.code}": "done" for one in form.asked}
        typed |= {"result-hcg": "as-asked"}
        left = {**typed, "activity-hcg": "left", "why-hcg": "no vein"}
        refused = client.post(address, left)
        assert refused.status_code == 422
        assert "leave its result empty" in refused.content.decode()
        assert not Fact.objects.filter(kind="test").exists()
        answer = client.post(address, typed)
        assert answer.status_code == 302, answer.content.decode()
    fact = Fact.objects.get(participant=woman, kind="test", of="hcg")
    assert (fact.detail["result"], fact.detail["visit"]) == ("negative", "screening")
    assert fact.starts_on == visit.target
    assert "hcg" not in results_at(woman, "screening", now)
    visit.refresh_from_db()
    undo_visit(visit=visit, version=visit.version, by=None, reason="another person", now=now)
    fact.refresh_from_db()
    assert fact.withdrawn_at, "what came of a visit goes with it"


def test_another_result_is_kept_in_words_and_a_result_to_come_is_none(
    woman: Participant, client: Client
) -> None:
    visit = screening(woman)
    now = datetime.combine(visit.target, time(12), SHANGHAI)
    address = f"/visits/{visit.pk}/complete/"
    with time_machine.travel(now, tick=False):
        form = signed_in(client).get(address).context["form"]
        typed = {"version": visit.version, "on": visit.target.isoformat(), "result-hcg": "other"}
        typed |= {f"activity-{one.code}": "done" for one in form.asked}
        refused = client.post(address, typed)
        assert "Enter the result." in refused.content.decode()
        assert client.post(address, {**typed, "words-hcg": "positive, 210 IU/l"}).status_code == 302
    assert Fact.objects.get(kind="test", of="hcg").detail["result"] == "positive, 210 IU/l"


def test_one_click_on_today_leads_to_the_form_where_windows_need_an_answer(
    woman: Participant, client: Client
) -> None:
    visit = screening(woman)
    now = datetime.combine(visit.target, time(12), SHANGHAI)
    with time_machine.travel(now, tick=False):
        booking = Booking(visit.target)
        book_visit(visit=visit, version=visit.version, booking=booking, by=None, now=now)
        visit.refresh_from_db()
        typed = {"version": visit.version, "on": visit.target.isoformat(), "section": "day", "back": "/"}
        plain = signed_in(client).post(reverse("today-act", args=[visit.pk, "done"]), typed)
        assert plain.url.startswith(f"/visits/{visit.pk}/complete/")
        swift = client.post(
            reverse("today-act", args=[visit.pk, "done"]), typed, headers={"hx-request": "true"}
        )
        assert swift["HX-Redirect"].startswith(f"/visits/{visit.pk}/complete/")
    visit.refresh_from_db()
    assert visit.performed_on is None


def test_consent_again_is_asked_at_the_visit_and_no_more_once_given() -> None:
    """Of NCT07233642, a minor who comes of age before the visit."""
    anchors = {
        "infusion": AnchorDay(date(2026, 11, 2), AnchorKind.ACTUAL),
        "consent": AnchorDay(date(2026, 10, 2), AnchorKind.ACTUAL),
    }
    enrolment = an_enrolment(
        anchors=anchors,
        version=a_version("NCT07233642"),
        today=date(2026, 11, 3),
        traits=frozenset({"minor"}),
        comes_of_age_on=date(2026, 11, 10),
        reason="from paper",
        sure=True,
    )
    minor = enrol(enrolment=enrolment, by=None)
    visit = Visit.objects.filter(
        participant=minor, target__gt=date(2026, 11, 10), target__lt=date(2026, 12, 20)
    ).first()
    assert visit is not None
    now = datetime.combine(visit.target, time(12), SHANGHAI)
    full = Visit.objects.select_related("participant__protocol_version", "participant__site").get(pk=visit.pk)
    assert [one.event for one in visit_page(full, now).questions().events] == ["consent-again"]
    done = Completion(visit.target, events=frozenset({"consent-again"}), outside_reason="-")
    complete_visit(visit=visit, version=visit.version, completion=done, by=None, now=now)
    assert Fact.objects.get(kind="event").of == "consent-again"
    assert not visit_page(full, now).questions().events
    visit.refresh_from_db()
    undo_visit(visit=visit, version=visit.version, by=None, reason="-", now=now)
    visit.refresh_from_db()
    strange = Completion(visit.target, events=frozenset({"fever-free"}), outside_reason="-")
    with pytest.raises(VisitRefused, match="judged by fever-free"):
        complete_visit(visit=visit, version=visit.version, completion=strange, by=None, now=now)
