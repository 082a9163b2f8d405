"""Facts, verdicts, flags, boards and the clock in the browser: seen, recorded, refused in words, scoped."""

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext

from participants.domain.fact_kinds import Lodging, NightAway, Vaccination
from participants.models import Fact, Participant, SafetyReview
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import Deviation, Flag
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.enrolment.enrolling import enrol
from schedules.services.windows.evaluation import sweep_windows
from schedules.services.windows.facts import record_fact
from schedules.templatetags import verdicts
from tests.cast import a_site, a_version, an_enrolment
from tests.integration.windows.conftest import a_user, noon
from trials.formats.protocols import library
from trials.models import Cohort, Role, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_tenth")]
LODGING = {"from_day": "2026-12-07", "to_day": "", "minutes": "45"}


@pytest.fixture
def the_tenth():
    with time_machine.travel(noon(12, 10), tick=False):
        yield


@pytest.fixture
def client(coordinator) -> Client:
    return signed_in(coordinator)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(response) -> str:
    """The words of a page, its tags and white space left out."""
    return words_of(response.content.decode())


def words_of(markup: str) -> str:
    """The words of a piece of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", markup)).strip()


def test_the_participant_page_shows_each_verdict_with_its_evidence(client, infused):
    record_fact(participant=infused, fact=NightAway(date(2026, 12, 8), 200), by=None, now=noon(12, 9))
    words = text(client.get(f"/participants/{infused.pk}/"))
    assert "The night of Tue 8 Dec was spent 200 minutes away (limit 120)." in words
    assert "Violated since Tue 8 Dec" in words
    assert "Cannot be judged" in words
    assert "Missing an admission on or before Mon 7 Dec" in words


@pytest.mark.parametrize(
    ("month", "day", "english", "chinese"),
    [
        (12, 6, "needed by Sun 6 Dec", "（最晚12月6日（周日）补录）"),
        (12, 7, "needed by Sun 6 Dec, 1 day ago", "（最晚12月6日（周日）补录，已过 1 天）"),
        (5, 31, "needed by Sun 6 Dec, 176 days ago", "（最晚2026年12月6日（周日）补录，已过 176 天）"),
    ],
)
def test_what_is_missing_since_long_says_how_long_ago_it_was_needed(
    coordinator, infused, month, day, english, chinese
):
    """A page asked for an admission by "Monday 00:00" half a year after that day."""
    with time_machine.travel(noon(month, day, 9), tick=False):
        client = signed_in(coordinator)
        page = f"/participants/{infused.pk}/"
        for language, words in (("en", english), ("zh-hans", chinese)):
            shown = client.get(page, headers={"accept-language": language}).content.decode()
            found = re.findall(r'<span class="by">(.*?)</span>', shown, re.DOTALL)
            assert words in [re.sub(r"<[^>]+>", "", one).strip() for one in found]


def test_recording_a_fact_judges_at_once(client, infused):
    sweep_windows(now=noon(12, 10))
    page = client.get(f"/participants/{infused.pk}/facts/new/lodging/")
    assert "Stay within 2 hours of the site for 28 days" in text(page), "it says which windows it feeds"
    answer = client.post(f"/participants/{infused.pk}/facts/new/lodging/", LODGING, follow=True)
    assert "45 minutes from the site" in text(answer)
    assert not Flag.objects.filter(window__code="stay-near-site", cleared_at=None).exists()


@pytest.mark.parametrize(
    ("kind", "data", "words", "why"),
    [
        ("lodging", LODGING | {"minutes": "-3"}, "give zero or more", "less than no travel"),
        ("lodging", LODGING | {"to_day": "2026-12-01"}, "is before the first day", "turned round"),
        ("lodging", LODGING | {"to_day": "9999-12-31"}, "9999 cannot be right: give a year", "for ever"),
        ("night-away", {"day": "0001-01-01"}, "1 cannot be right: give a year", "before all calendars"),
        ("night-away", {"day": "2026-12-24"}, "lies in the future", "not yet spent"),
        (
            "admission",
            {"admitted_at_on": "2026-12-09", "admitted_at_at": "09:00", "discharged_at_on": "2026-12-08",
             "discharged_at_at": "09:00"},
            "is before the admission",
            "out before in",
        ),
        (
            "admission",
            {"admitted_at_on": "2026-12-08", "admitted_at_at": "09:00", "discharged_at_on": "2026-12-09"},
            "Give the hour of the discharge",
            "a stay is told by the hour",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_comes_back_filled_with_words(client, infused, kind, data, words, why):
    answer = client.post(f"/participants/{infused.pk}/facts/new/{kind}/", data)
    assert answer.status_code == 422, why
    assert words in text(answer)
    page = answer.content.decode()
    assert all(f'value="{value}"' in page for value in data.values() if value), "as it was"
    assert not Fact.objects.exists()


STAY = {
    "admitted_at_on": "2026-12-07",
    "admitted_at_at": "09:00",
    "discharged_at_on": "",
    "discharged_at_at": "",
}


def test_admissions_that_overlap_come_back_filled(client, infused):
    address = f"/participants/{infused.pk}/facts/new/admission/"
    assert client.post(address, STAY).status_code == 302
    answer = client.post(address, STAY | {"admitted_at_at": "11:00"})
    assert (answer.status_code, "overlaps" in text(answer)) == (422, True)
    assert 'value="11:00"' in answer.content.decode()
    assert Fact.objects.count() == 1


@pytest.fixture
def treated() -> Participant:
    """Of a trial with tests, drugs and a conduct; infused on 7 December, conditioned from the 2nd."""
    anchors = {"infusion": AnchorDay(date(2026, 12, 7), AnchorKind.ACTUAL)}
    version = a_version("NCT07193667")
    enrolment = an_enrolment(version, anchors=anchors, traits=frozenset({"childbearing_potential"}))
    return enrol(enrolment=enrolment, by=None)


@pytest.mark.parametrize(
    ("kind", "data", "words", "why"),
    [
        (
            "test",
            {"of": "hcg", "taken_at_on": "2026-12-01", "resulted_at_on": "2026-11-30", "result": "negative"},
            "is before its sample",
            "a result before its sample",
        ),
        (
            "dose",
            {"of": "immunosuppressant", "taken_at_on": "2026-12-01", "half_life": "0", "source": "label"},
            "must be longer than zero",
            "a half-life of zero",
        ),
        ("dose", {"of": "immunosuppressant", "taken_at_on": "2026-12-31"}, "lies in the future", "not yet"),
        ("illness", {"of": "malignancy", "from_day": "2027-01-02"}, "lies in the future", "not yet"),
        ("confirmation", {"of": "contraception", "at_on": "2026-12-31", "holds": "no"}, "lies in the future",
         "not asked yet"),
    ],
)  # fmt: skip
def test_a_fact_of_treatment_that_cannot_be_comes_back_filled(client, treated, kind, data, words, why):
    answer = client.post(f"/participants/{treated.pk}/facts/new/{kind}/", data)
    assert (answer.status_code, words in text(answer)) == (422, True), f"{why}: {text(answer)}"
    page = answer.content.decode()
    assert all(f'value="{value}"' in page for value in data.values()), "as it was"
    assert not Fact.objects.exists()


def test_windows_placed_by_facts_are_told_in_the_reader_s_language_too(client, treated):
    """One counts in half-lives, the other from a blood count: the page's own plan knows both."""
    for kind, data in (
        ("dose", {"of": "biologic", "taken_at_on": "2026-10-01", "half_life": "96", "source": "label"}),
        ("test", {"of": "blood-count", "taken_at_on": "2026-11-20"}),
    ):
        assert client.post(f"/participants/{treated.pk}/facts/new/{kind}/", data).status_code == 302
    client.get("/")  # what the acts said was said in their language
    client.cookies["django_language"] = "zh-hans"
    page = client.get(f"/participants/{treated.pk}/").content.decode()
    assert "入组前 5 个半衰期内未用生物制剂" in page
    assert "No biologic" not in page
    assert "No colony-stimulating" not in page
    assert " half-lives" not in page


def test_a_result_typed_in_the_reader_s_language_is_that_of_the_protocol(client, treated, monkeypatch):
    """Else a result of 阴性 would miss the `negative` that the protocol asks for."""
    monkeypatch.setattr(
        "schedules.web.windows.fact_forms.say", lambda text: {"negative": "阴性"}.get(text, text)
    )
    address = f"/participants/{treated.pk}/facts/new/test/"
    assert "The protocol asks for: 阴性." in text(client.get(address))
    for typed, stored in (("阴性", "negative"), ("Negative", "Negative"), ("positive", "positive")):
        client.post(address, {"of": "hcg", "taken_at_on": "2026-11-27", "result": typed})
        assert Fact.objects.latest("pk").detail["result"] == stored
    fact = Fact.objects.earliest("pk")
    assert (
        'value="阴性"' in client.get(f"/participants/{treated.pk}/facts/{fact.pk}/correct/").content.decode()
    )


def test_an_answer_not_kept_is_entered_in_the_form_and_violates(client, treated):
    """Silence would not: only a fact says that it was not kept."""
    answer = {"of": "contraception", "at_on": "2026-12-09", "holds": "no"}
    client.post(f"/participants/{treated.pk}/facts/new/confirmation/", answer)
    assert Flag.objects.get(window__code="contraception").kind == "window-violated"
    assert Deviation.objects.filter(window__code="contraception").count() == 1
    assert "Not kept: contraception, recorded Wed 9 Dec." in text(client.get(f"/participants/{treated.pk}/"))


def test_who_says_where_they_asked_chooses_among_visits_by_name(client, infused):
    """The list read “ld 2 · Thu 3 Dec”: the code of a visit, in every language."""
    infused.visits.filter(code="d28").update(performed_on=date(2027, 1, 4))
    form = client.get(f"/participants/{infused.pk}/facts/new/confirmation/").context["form"]
    assert ("d28", "Day 28 · Mon 4 Jan") in form.fields["visit"].choices


def test_a_contradiction_is_recorded_and_said(client, infused):
    infused.visits.filter(code="d0").update(performed_on=date(2026, 12, 7))
    answer = client.post(
        f"/participants/{infused.pk}/facts/new/night-away/", {"day": "2026-12-07"}, follow=True
    )
    assert "Recorded, but look: Infusion was performed on the ward on" in text(answer)


def test_a_fact_is_corrected_and_withdrawn_with_reasons(client, infused):
    fact = record_fact(
        participant=infused, fact=Lodging(date(2026, 12, 7), None, 300), by=None, now=noon(12, 10)
    ).stored
    address = f"/participants/{infused.pk}/facts/{fact.pk}"
    assert 'value="300"' in client.get(f"{address}/correct/").content.decode()
    assert client.post(f"{address}/correct/", LODGING).status_code == 422, "why?"
    answer = client.post(f"{address}/correct/", LODGING | {"reason": "typing error"}, follow=True)
    assert "typing error" in text(answer)
    assert client.get(f"{address}/correct/").status_code == 404, "it stands no more"
    stands = Fact.objects.get(withdrawn_at=None)
    address = f"/participants/{infused.pk}/facts/{stands.pk}"
    assert client.post(f"{address}/withdraw/", {"reason": ""}).status_code == 422
    assert client.post(f"{address}/withdraw/", {"reason": "left"}).status_code == 302
    assert not Fact.objects.filter(withdrawn_at=None).exists()


def test_flags_are_listed_cleared_put_off_and_given(client, coordinator, infused):
    sweep_windows(now=noon(12, 10))
    page = text(client.get("/flags/"))
    assert "Stay within 2 hours of the site for 28 days" in page
    assert "Flags 2" in text(client.get("/")), "the count stands in the navigation"
    flag = Flag.objects.get(window__code="stay-near-site")
    assert "lodging for the night of" in text(client.get(f"/flags/{flag.pk}/"))
    assert client.post(f"/flags/{flag.pk}/owner/", {"owner": coordinator.pk}).status_code == 302
    assert "coordinator" in text(client.get("/flags/?mine=1"))
    refused = client.post(f"/flags/{flag.pk}/snooze/", {"until": "2026-12-10"})
    assert (refused.status_code, "is not ahead" in text(refused)) == (422, True)
    assert client.post(f"/flags/{flag.pk}/snooze/", {"until": "2026-12-12"}).status_code == 302
    assert "Flags 1" in text(client.get("/"))
    assert client.post(f"/flags/{flag.pk}/clear/", {"reason": ""}).status_code == 422
    shown = client.get(f"/flags/{flag.pk}/clear/").context["form"]["evidence"].value()
    old = client.post(f"/flags/{flag.pk}/clear/", {"reason": "asked by phone", "evidence": "another night"})
    assert (old.status_code, old.context["form"]["evidence"].value()) == (422, shown)
    assert "says something else since you looked" in text(old)
    client.post(f"/flags/{flag.pk}/clear/", {"reason": "asked by phone", "evidence": shown})
    assert "coordinator: asked by phone" in text(client.get(f"/flags/{flag.pk}/"))


def test_an_investigator_waives_and_nobody_else(client, investigator):
    child = enrol(enrolment=an_enrolment(a_version("NCT07233642")), by=None)
    address = f"/participants/{child.pk}/windows/mas-free/waive/"
    assert client.get(address).status_code == 403
    theirs = signed_in(investigator)
    assert theirs.get(f"/participants/{child.pk}/windows/gvhd-free/waive/").status_code == 404
    assert "/windows/mas-free/waive/" in theirs.get(f"/participants/{child.pk}/").content.decode()
    theirs.post(address, {"reason": "mild"})
    assert "Waived by investigator" in text(theirs.get(f"/participants/{child.pk}/"))
    facts = f"/participants/{child.pk}/facts/"
    back = f"{facts}{Fact.objects.get().pk}/withdraw/"
    assert back not in client.get(facts).content.decode()
    assert client.post(back, {"reason": "not mine to take back"}).status_code == 403
    assert back in theirs.get(facts).content.decode()
    assert theirs.post(back, {"reason": "graver than it looked"}).status_code == 302
    assert "Waived by investigator" not in text(theirs.get(f"/participants/{child.pk}/"))


def test_the_board_shows_slots_gates_and_reviews(client):
    version = a_version("NCT07331467")
    level = Cohort.objects.filter(trial=version.trial).order_by("position").first()
    enrol(enrolment=an_enrolment(version, cohort=level), by=None)
    assert client.get("/board/").headers["location"] == "/board/NCT07331467/"
    page = text(client.get("/board/NCT07331467/"))
    assert "S01-001" in page
    address = f"/board/NCT07331467/review/{level.code}/"
    assert client.post(address, {"held_on": "2026-12-09", "reference": ""}).status_code == 422
    client.post(address, {"held_on": "2026-12-09", "opens_next": "on", "reference": "DMC 3"})
    assert SafetyReview.objects.get().opens_next
    assert "DMC 3 (opens the next)" in text(client.get("/board/NCT07331467/"))


def test_a_trial_without_levels_is_reviewed_on_its_board(client):
    enrol(enrolment=an_enrolment(a_version(text=library.path("CART-SLE").read_text("utf-8"))), by=None)
    page = client.get("/board/CART-SLE/").content.decode()
    assert '/board/CART-SLE/review/"' in page
    address = "/board/CART-SLE/review/"
    assert "Safety review of CART-SLE" in text(client.get(address))
    refused = client.post(address, {"held_on": "2026-12-09", "reference": ""})
    assert (refused.status_code, 'value="2026-12-09"' in refused.content.decode()) == (422, True)
    client.post(address, {"held_on": "2026-12-09", "opens_next": "on", "reference": "DMC 3"})
    assert "DMC 3 (opens the next)" in text(client.get("/board/CART-SLE/"))


def test_the_clock_says_what_sets_the_day_and_counts_back():
    person = enrol(
        enrolment=an_enrolment(a_version("NCT07331467"), anchors={"infusion": AnchorDay(date(2027, 2, 1))}),
        by=None,
    )
    vaccine = Vaccination("live-vaccine", date(2026, 12, 3))
    record_fact(participant=person, fact=vaccine, by=None, now=noon(12, 10))
    client = signed_in(a_user(Role.COORDINATOR, "clock"))
    page = text(client.get(f"/participants/{person.pk}/eligibility/"))
    assert "live vaccine on Thu 3 Dec: not before Thu 31 Dec" in page
    assert "For infusion on Mon 1 Feb" in page
    back = text(client.get(f"/participants/{person.pk}/eligibility/?wish=2027-03-01"))
    assert "live vaccine Tue 26 Jan" in back, "four weeks before the last day for screening"


@pytest.mark.parametrize("role", [Role.MONITOR])
def test_who_may_only_look_is_told_so(infused, role):
    client = signed_in(a_user(role))
    sweep_windows(now=noon(12, 10))
    flag = Flag.objects.first()
    assert client.get(f"/participants/{infused.pk}/facts/").status_code == 200
    for address in (f"/participants/{infused.pk}/facts/new/lodging/", f"/flags/{flag.pk}/clear/"):
        assert client.get(address).status_code == 403
        assert client.post(address, {}).status_code == 403


def test_out_of_sight_does_not_exist(infused):
    sweep_windows(now=noon(12, 10))
    flag = Flag.objects.first()
    client = signed_in(a_user(Role.COORDINATOR, "elsewhere", site=a_site("BJ")))
    for address in (
        f"/participants/{infused.pk}/facts/",
        f"/participants/{infused.pk}/eligibility/",
        f"/participants/{infused.pk}/windows/stay-near-site/waive/",
        f"/flags/{flag.pk}/",
        "/board/NCT00000000/",
    ):
        assert client.get(address).status_code == 404, address


def test_the_list_of_flags_asks_as_much_for_many_as_for_few(client):
    version = a_version()

    def queries(numbers: range) -> int:
        people = [an_enrolment(version, subject_code=f"S01-{number:03}") for number in numbers]
        bulk_enrol(enrolments=people, by=None)
        sweep_windows(now=noon(12, 10))
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/flags/").status_code == 200
        return len(captured)

    assert queries(range(2)) == queries(range(2, 20))


def test_a_flag_is_snoozed_from_the_list_and_undone_there(client, infused):
    sweep_windows(now=noon(12, 10))
    flag = Flag.objects.filter(participant=infused, cleared_at=None).first()
    page = client.get("/flags/").content.decode()
    assert f'action="/today/flags/{flag.pk}/snooze/"' in page
    answer = client.post(f"/today/flags/{flag.pk}/snooze/", {"back": "/flags/"}, follow=True)
    assert answer.redirect_chain[-1][0].startswith("/flags/")
    assert "snoozed until" in text(answer)
    assert f'action="/today/flags/{flag.pk}/undo/"' in answer.content.decode()


def test_what_begins_or_ends_at_a_midnight_is_said_by_its_day():
    """A violation "from 15 Dec 00:00" was read as one of the day before."""
    shanghai = ZoneInfo("Asia/Shanghai")
    midnight, noon_of_it = (datetime(2026, 12, 15, hour, tzinfo=shanghai) for hour in (0, 12))
    said = [verdicts.begins(midnight), verdicts.latest(midnight), verdicts.begins(noon_of_it)]
    assert [words_of(one) for one in said] == ["Tue 15 Dec", "Mon 14 Dec", "Tue 15 Dec 12:00"]
    shown = render_to_string("windows/evidence.html", {"row": {"becomes": midnight}})
    assert words_of(shown) == "A violation from Tue 15 Dec"
