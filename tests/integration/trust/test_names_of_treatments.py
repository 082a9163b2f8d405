"""Sentences and pages name a trial's own days: no infusion and no chemotherapy where a trial has neither."""

import re
from datetime import UTC, date, datetime
from html import unescape

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.translation import override

from participants.domain.errors import CourseRefused
from participants.domain.lifecycle import PHASE_LABELS, STEP_LABELS
from participants.models import Participant
from schedules.domain.deviations.drafts import KIND_LABELS
from schedules.domain.errors import VisitRefused
from schedules.domain.plan.holds import Hold, hold_warning
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.replanning.hold_clock import waiting_of
from schedules.domain.replanning.hold_wording import words_of_hold, words_of_wait
from schedules.domain.replanning.wording import EFFECT_LABELS
from schedules.domain.visits.values import Completion
from schedules.models import Visit
from schedules.services.course.holds import hold_infusion
from schedules.services.course.repetition import repeat_lymphodepletion
from schedules.services.enrolment.enrolling import enrol
from schedules.services.visits.appointments import complete_visit
from tests.cast import a_site, a_version, an_enrolment, document
from tests.integration.visits.test_visits import at, conditioned
from tests.unit.plan.small import days
from trials.domain.protocols.treatment_names import day_zero_name, first_treatment_name
from trials.formats.protocols import library
from trials.models import Membership, Role, User
from trials.spoken import say

DOSES = """
format: 1
trial: VACCINE
version: "1"
title: A vaccine
zone: Asia/Shanghai
day_zero: dose-1
epochs: [{code: treatment, label: Treatment}]
anchors:
  - {code: consent, label: Consent, not_after: [dose-1]}
  - {code: dose-1, label: {en: First dose, zh: 第一剂}}
visits:
  - {code: first, label: First dose, epoch: treatment, from: dose-1, at: P0D, basis: assumed,
     tolerance: {before: P0D, after: P0D, basis: assumed}}
"""


def test_a_first_dose_before_consent_is_refused_in_the_words_of_the_trial(db):
    asked = an_enrolment(a_version(text=DOSES), anchors={"dose-1": AnchorDay(date(2026, 11, 2))})
    visit = Visit.objects.get(participant=enrol(enrolment=asked, by=None))
    now = datetime(2026, 11, 2, 4, tzinfo=UTC)
    for language, words in (("en", "No first dose before consent"), ("zh-hans", "不得进行第一剂")):
        completion = Completion(date(2026, 11, 2), None)
        with override(language), pytest.raises(VisitRefused, match=words) as refused:
            complete_visit(visit=visit, version=visit.version, completion=completion, by=None, now=now)
        assert "nfusion" not in str(refused.value)


def test_a_hold_speaks_of_what_was_given_and_of_what_is_awaited():
    protocol = library.load("CART-SLE")
    anchors = days(ld="Wed 2026-12-02 actual", infusion="Wed 2026-12-09")
    waiting = waiting_of(protocol, anchors)
    (words,) = words_of_hold(waiting, date(2026, 12, 9))
    assert words.text().startswith("Chemotherapy began on 2026-12-02 for the infusion on 2026-12-07")
    with override("zh-hans"):
        assert words.text(say).startswith("清淋化疗于")
        assert "chemotherapy" not in words_of_wait(waiting).text(say)


@pytest.mark.parametrize("name", ["CART-SLE", "NCT07193667@2025-09-26.2", "NCT07339332@2026-01-14.2"])
def test_a_hold_after_chemotherapy_is_said_in_one_language(name):
    protocol = library.load(name)
    hold = Hold("lymphodepletion-start", "infusion", date(2026, 12, 2), date(2026, 12, 7), date(2026, 12, 9))
    with override("zh-hans"):
        said = hold_warning(protocol, hold).words.text(say)
    assert "清淋开始（2026-12-02）" in said
    assert not re.search("[a-z]", said), said


def test_names_inside_a_sentence_keep_their_capitals_where_they_have_them():
    protocol = library.load("CART-SLE")
    assert (day_zero_name(protocol), first_treatment_name(protocol, "lymphodepletion-start")) == (
        "infusion",
        "chemotherapy",
    )


FIXED = re.compile("infus|chemo|lymphodepl|回输|输注|化疗|清淋", re.IGNORECASE)
OTHER_LABELS = (
    ("label: Infusion", "label: {en: Dose 1, zh: 第1剂}"),
    ("label: Conditioning and infusion", "label: Block"),
    ("label: Chemotherapy", "label: {en: Conditioning, zh: 预处理}"),
    ("label: Lymphodepletion", "label: {en: Conditioning, zh: 预处理}"),
    ("label: Start of lymphodepletion", "label: {en: Start of conditioning, zh: 预处理开始}"),
    ("label: Receives lymphodepletion", "label: Receives conditioning"),
)
LANGUAGES = pytest.mark.parametrize(
    ("language", "given", "awaited"), [("en", "onditioning", "ose 1"), ("zh-hans", "预处理", "第1剂")]
)


@pytest.fixture
def dosed(db: None) -> Participant:
    """Somebody of a trial with conditioning and doses, conditioned on 2 to 4 December and then on hold."""
    text = document("CART-SLE")
    for was, now in OTHER_LABELS:
        assert was in text
        text = text.replace(was, now)
    anchors = {
        "infusion": AnchorDay(date(2026, 12, 7)),
        "consent": AnchorDay(date(2026, 11, 2), AnchorKind.ACTUAL),
    }
    person = enrol(enrolment=an_enrolment(a_version(text=text), anchors=anchors), by=None)
    conditioned(person)
    person.refresh_from_db()
    return person


def on_hold(person: Participant) -> None:
    shared = {"participant": person, "by": None, "reason": "fever", "now": at(12, 5)}
    hold_infusion(version=person.version, on=date(2026, 12, 5), **shared)
    person.refresh_from_db()


def shown(person: Participant, language: str, addresses: list[str]) -> dict[str, str]:
    """What a coordinator reads at these addresses, as text."""
    user = User.objects.create_user(f"reader-{language}")
    Membership.objects.create(user=user, role=Role.COORDINATOR, site=a_site(), starts_on=date(2026, 1, 1))
    client = Client(headers={"accept-language": language})
    with time_machine.travel(at(12, 8), tick=False):
        client.force_login(user)
        answers = {address: client.get(address) for address in addresses}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {address: unescape(strip_tags(answer.content.decode())) for address, answer in answers.items()}


@LANGUAGES
def test_pages_of_a_hold_and_a_course_take_the_names_of_the_trial(dosed, language, given, awaited):
    acts = ("begin", "resume", "repeat", "abandon", "fever")
    before = [reverse("hold", args=[dosed.pk]), reverse("participant", args=[dosed.pk])]
    later = [*before, *(reverse("hold-act", args=[dosed.pk, act]) for act in acts)]
    later += [reverse("eligibility", args=[dosed.pk]), reverse("board", args=[dosed.trial.code])]
    later += [reverse("course", args=[dosed.pk]), reverse("enrolment-log"), reverse("participants")]
    later += [reverse("course-step", args=[dosed.pk, "never-infused"]), reverse("readiness", args=[dosed.pk])]
    on_hold(dosed)
    texts = shown(dosed, language, later)
    found = {address: FIXED.findall(text) for address, text in texts.items() if FIXED.search(text)}
    assert not found
    assert given in texts[before[0]]
    assert awaited in texts[before[0]]


@LANGUAGES
def test_a_repetition_is_refused_in_the_words_of_the_trial(dosed, language, given, awaited):
    on_hold(dosed)
    asked = {"participant": dosed, "version": dosed.version, "by": None, "reason": "r", "now": at(12, 8)}
    with override(language), pytest.raises(CourseRefused, match=given) as refused:
        repeat_lymphodepletion(day_zero=date(2026, 12, 10), **asked)
    assert not FIXED.search(str(refused.value))
    Visit.objects.filter(participant=dosed, code="ld-1").update(performed_on=date(2026, 12, 1))
    with override(language), pytest.raises(CourseRefused, match=given) as refused:
        repeat_lymphodepletion(day_zero=date(2027, 1, 4), **asked)
    assert not FIXED.search(str(refused.value))


def test_names_that_stand_for_every_trial_are_neutral():
    for labels in (PHASE_LABELS, STEP_LABELS, KIND_LABELS, EFFECT_LABELS):
        assert not [label for label in labels.values() if FIXED.search(label)]
        with override("zh-hans"):
            assert not [label for label in labels.values() if FIXED.search(say(label))]
