"""A document in two languages: its labels, reasons and facts on every page, in the reader's own."""

import re
from datetime import timedelta

import pytest
from django.utils.translation import override

from participants.domain.facts import Vaccination
from schedules.models import Visit
from schedules.services.replanning.moves import replan_many
from schedules.services.windows.facts import record_fact
from schedules.web.setup.forms import shipped_editions
from tests.bilingual import CHINESE, ENGLISH, bilingual, both
from tests.cast import a_version
from trials.models import Site

from .conftest import MORNING, TODAY

FACTS = [
    {"code": code, "label": both(code.replace("-", " "))}
    for code in ("live-vaccine", "gvhd-grade-2-or-more", "contraception", "other-trial")
]


@pytest.fixture
def version(db):
    return a_version(text=bilingual("NCT07233642", facts=FACTS))


@pytest.fixture
def person(enrolled, version, coordinator):
    person = enrolled(infusion=TODAY + timedelta(days=2))
    given = Vaccination("live-vaccine", TODAY - timedelta(days=20))
    record_fact(participant=person, fact=given, by=coordinator, now=MORNING)
    return person


def texts(page, person):
    """What every page of a participant says, without its attributes and scripts."""
    visit = Visit.objects.filter(participant=person).order_by("target").first()
    found = {}
    one, this = f"participants/{person.pk}", f"visits/{visit.pk}"
    for path in (
        "", "participants/", f"{one}/", f"{this}/", f"{this}/record/", f"{this}/book/", f"{one}/facts/",
        f"{one}/facts/new/vaccination/", f"{one}/facts/new/illness/", f"{one}/facts/new/confirmation/",
        f"{one}/replan/anchors/", f"{one}/replan/traits/", f"{one}/readiness/", f"{one}/day-zero/",
        f"{one}/eligibility/", f"{one}/hold/", f"{one}/product/", f"{one}/deviation/", f"{one}/course/",
        f"{one}/consent/", "participants/enrol/", f"participants/enrol/?version={person.protocol_version_id}",
        "day-zero/", "board/", f"board/{person.trial.code}/", "flags/", "forecast/", "deviations/",
        "trials/", f"trials/{person.trial_id}/", "logs/screening/", "logs/enrolment/",
    ):  # fmt: skip
        answer = page.get(f"/{path}")
        if answer.status_code == 200:
            found[path] = re.sub(r"<script.*?</script>", "", answer.content.decode(), flags=re.DOTALL)
    return found


def test_pages_speak_the_reader_s_language_and_never_in_codes(page, person):
    english = texts(page, person)
    page.cookies["django_language"] = "zh-hans"
    chinese = texts(page, person)
    assert {path for path, text in english.items() if CHINESE in text} == set()
    leaks = {
        path: re.findall(f".{{60}}{ENGLISH}.{{20}}", text)
        for path, text in chinese.items()
        if ENGLISH in text
    }
    assert not leaks, leaks
    assert sum(CHINESE in text for text in chinese.values()) >= 12
    for text in (*english.values(), *chinese.values()):
        assert "gvhd-grade" not in re.sub(r'"[^"]*"', "", text)


def test_planning_anew_changes_nothing_of_labels_in_two_languages(person):
    replan_many(ids=[person.pk], proposals={}, now=MORNING, by=None, reason="")
    before = list(Visit.objects.filter(participant=person).order_by("pk").values_list("version", "label"))
    replan_many(ids=[person.pk], proposals={}, now=MORNING, by=None, reason="")
    assert (
        list(Visit.objects.filter(participant=person).order_by("pk").values_list("version", "label"))
        == before
    )
    assert {version for version, _label in before} == {1}
    assert all(label.zh.startswith(CHINESE) for _version, label in before)


def test_shipped_protocols_are_offered_by_titles_not_by_their_source(page):
    """The list showed `{en: "Ultra-fast …", zh: "…"}` as it stands in the document."""
    with override("en"):
        english = dict(shipped_editions())
    with override("zh-hans"):
        chinese = dict(shipped_editions())
    name = "NCT07233642@2026-01-31.2"
    assert english[name] == f"{name} · Ultra-fast CD19 CAR-T in SLE from 5 years of age"
    assert chinese[name] == f"{name} · 超快速CD19 CAR-T治疗SLE（5岁及以上）"
    assert english["CART-SLE"] == "CART-SLE · Template for a CAR-T trial in SLE"


def test_chinese_pages_name_hospitals_in_chinese(page, person):
    """The pages of calendars, of absences and of the forecast named them in English."""
    Site.objects.filter(pk=person.site_id).update(name_zh="沈阳医院")
    page.cookies["django_language"] = "zh-hans"
    for path in (
        f"/calendars/new/?participant={person.pk}",
        f"/sites/{person.site_id}/absences/",
        "/forecast/?days=90",
    ):
        text = page.get(path).content.decode()
        assert person.site.name not in text, path
    assert "沈阳医院" in page.get(f"/sites/{person.site_id}/absences/").content.decode()
