"""Sentences name a trial's own days: no infusion and no chemotherapy where a trial has neither."""

from datetime import UTC, date, datetime

import pytest
from django.utils.translation import override

from schedules.domain.errors import VisitRefused
from schedules.domain.plan.values import AnchorDay
from schedules.domain.replanning.hold_clock import waiting_of
from schedules.domain.replanning.hold_wording import words_of_hold, words_of_wait
from schedules.domain.visits.values import Completion
from schedules.models import Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.visits.appointments import complete_visit
from tests.cast import a_version, an_enrolment
from tests.unit.plan.small import days
from trials.domain.protocols.treatment_names import day_zero_name, first_treatment_name
from trials.formats.protocols import library
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


def test_names_inside_a_sentence_keep_their_capitals_where_they_have_them():
    protocol = library.load("CART-SLE")
    assert (day_zero_name(protocol), first_treatment_name(protocol, "lymphodepletion-start")) == (
        "infusion",
        "chemotherapy",
    )
