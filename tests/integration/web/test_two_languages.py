"""A document in two languages: its labels, reasons and facts on every page, in the reader's own."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override

from participants.domain.fact_kinds import Vaccination
from participants.domain.lifecycle import Course, Step, refusals_of_step
from schedules.domain.plan.explanations import because_visit, because_window
from schedules.domain.plan.labels import in_language
from schedules.domain.plan.projection import project
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import Visit
from schedules.services.replanning.moves import replan_many
from schedules.services.windows.facts import record_fact
from schedules.templatetags.dayzero import day
from schedules.templatetags.verdicts import latest
from schedules.web.setup.forms import shipped_editions
from tests.bilingual import CHINESE, ENGLISH, bilingual, both
from tests.cast import a_version
from trials.domain.language import Text
from trials.domain.stored_sentences import facts_text, joined, told
from trials.domain.words import Code, Words, listed
from trials.formats.protocols import library
from trials.models import Site
from trials.spoken import days_as_on_pages, say, sentence

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
    told = "NCT07233642, version 2026-01-31.2 · Ultra-fast CD19 CAR-T in SLE from 5 years of age"
    assert english[name] == told, "which of two is the newer is read from their versions"
    assert chinese[name] == "NCT07233642，版本 2026-01-31.2 · 超快速CD19 CAR-T治疗SLE（5岁及以上）"
    assert english["CART-SLE"] == "CART-SLE, version 1 · Template for a CAR-T trial in SLE"


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


def test_a_list_has_the_separators_of_its_reader():
    """“第4天, 第10天” and “可选：Resumption, Withdrawal” stood in Chinese sentences."""
    refusal = next(refusals_of_step(Course(), Step.RESUMPTION, TODAY, TODAY, reason="well again"))
    words = listed([Text("Day 4", "第4天"), Text("Day 10", "第10天")])
    with override("en"):
        assert words.text(say) == "Day 4, Day 10"
    with override("zh-hans"):
        assert words.text(say) == "第4天、第10天"
        assert not re.search("[A-Za-z], ", refusal.text(say))


def test_what_is_needed_until_midnight_is_needed_on_the_day_before():
    zone = ZoneInfo("Asia/Shanghai")
    with override("zh-hans"):
        assert "2026-06-07" in latest(datetime(2026, 6, 8, tzinfo=zone))
        assert "2026-06-08T09:00" in latest(datetime(2026, 6, 8, 9, tzinfo=zone))


def test_refusals_write_days_as_the_page_around_them(page, person):
    """“It ends on 2026-12-01, before it begins on 2026-12-10” stood beside “Sat 28 Nov is over”."""
    path = f"/participants/{person.pk}/absences/"
    away = {"first": f"{TODAY + timedelta(days=9)}", "last": f"{TODAY}", "reason": "holiday"}
    refused = page.post(path, away)
    assert refused.status_code == 422
    [words] = refused.context["form"].errors["last"]
    assert not re.search(r"\d{4}-\d\d-\d\d", words)
    with override("zh-hans"):
        assert sentence("%(day)s", {"day": TODAY}).startswith("周")


@pytest.mark.parametrize("code", ["CART-SLE", "NCT07339332@2026-01-14.2"])
def test_an_explanation_in_chinese_has_chinese_marks(code):
    """“系统默认 (输注日不设允许偏差)。 时间 见 …. ” stood on every visit."""
    protocol = library.load(code)
    given = {"infusion": AnchorDay(TODAY), "consent": AnchorDay(TODAY, AnchorKind.ACTUAL)}
    with override("zh-hans"), days_as_on_pages(TODAY):
        plan = project(in_language(protocol, say), given, frozenset({"childbearing_potential"}))
        said = [because_visit(protocol, visit, say) for visit in plan.visits]
        said += [because_window(protocol, window, say) for window in plan.windows]
    wrong = re.compile(r"[\u4e00-\u9fff）”] ?[(,;:.]|[(,;:.] ?[\u4e00-\u9fff]|[。，；：（] | [（）。]")
    assert said
    assert not [text for text in said if wrong.search(text)]


def test_several_sentences_have_no_gap_in_chinese():
    """A start's objections read “缺少：研究中心已接收。 缺少：已放行。”"""
    one, other = (Words.of("Missing: %(what)s.", {"what": Code(name)}) for name in ("Screening", "Consent"))
    both = joined([one, other])
    with override("en"):
        assert both.text(say) == facts_text(told(one, other), say) == "Missing: Screening. Missing: Consent."
    with override("zh-hans"):
        assert both.text(say) == facts_text(told(one, other), say)
        assert " " not in both.text(say)


def test_tables_in_chinese_write_days_as_tables_do(page, person):
    """GLOSSARY: 2026-11-03 周二 in a table, 11月3日（周二） in a sentence."""
    page.cookies["django_language"] = "zh-hans"
    facts = page.get(f"/participants/{person.pk}/facts/").content.decode()
    table = re.sub(r'<span class="hidden">.*?</span>', "", facts[facts.index('id="fact-') :], flags=re.DOTALL)
    assert "2026-11-03 周二" in table
    assert "11月3日" not in table
    with override("zh-hans"):
        assert str(day(MORNING)).endswith(">2026-11-23 周一</time>"), "of an instant too"
