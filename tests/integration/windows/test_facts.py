"""Facts are recorded once, corrected and withdrawn with a reason; each judges its windows at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from participants.domain.fact_kinds import Admission, Confirmation, Dose, Lodging, NightAway
from participants.domain.fact_kinds import TestResult as Result
from participants.domain.facts_validation import FactRefused
from participants.models import Fact
from schedules.domain.plan.values import AnchorDay
from schedules.models import Flag, ProtocolWindow, Visit
from schedules.selectors.windows.evaluation import windows_of_participants
from schedules.services.enrolment.enrolling import enrol
from schedules.services.windows.facts import correct_fact, record_fact, waive_window, withdraw_fact
from tests.cast import a_version, an_enrolment
from tests.integration.windows.conftest import INFUSION, noon
from trials.domain.errors import Refused
from trials.models import AuditEntry

pytestmark = pytest.mark.django_db


def verdicts(participant, now) -> dict[str, str]:
    (participant_windows,) = windows_of_participants([participant.pk])
    return {one.stored.code: one.verdict.status.value for one in participant_windows.judged(now)}


@pytest.mark.parametrize(
    ("fact", "code", "why"),
    [
        (Admission(noon(12, 14), noon(12, 7)), "discharge-before-admission", "out before in"),
        (Admission(noon(12, 9), noon(12, 11)), "overlapping-admissions", "in hospital already"),
        (Result("hcg", noon(12, 8), noon(12, 7)), "result-before-sample", "known before it was taken"),
        (Dose("biologic", date(2026, 12, 1), timedelta(0), "label"), "half-life", "a half-life of zero"),
        (NightAway(date(2027, 1, 1)), "future", "not yet spent"),
        (Lodging(date(2026, 12, 1), None, -5), "minutes", "less than no travel"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(infused, coordinator, fact, code, why):
    now = noon(12, 16)
    record_fact(participant=infused, fact=Admission(noon(12, 7), noon(12, 10)), by=coordinator, now=now)
    with pytest.raises(FactRefused) as refused:
        record_fact(participant=infused, fact=fact, by=coordinator, now=now)
    assert code in {problem.code for problem in refused.value.refusals}, why
    assert Fact.objects.count() == 1


def test_a_fact_that_contradicts_a_performed_visit_is_recorded_with_a_warning(infused, coordinator):
    Visit.objects.filter(participant=infused, code="d0").update(performed_on=INFUSION)
    away = NightAway(INFUSION, 200)
    recorded = record_fact(participant=infused, fact=away, by=coordinator, now=noon(12, 9))
    assert [warning.code for warning in recorded.warnings] == ["away-on-ward-day"]
    assert verdicts(infused, noon(12, 9))["stay-near-site"] == "violated"


def test_a_correction_withdraws_the_row_and_stands_beside_it(infused, coordinator):
    now = noon(12, 16)
    first = record_fact(
        participant=infused, fact=Lodging(date(2026, 12, 7), None, 200), by=coordinator, now=now
    )
    assert verdicts(infused, now)["stay-near-site"] == "violated"
    better = Lodging(date(2026, 12, 7), None, 20)
    second = correct_fact(stored=first.stored, fact=better, by=coordinator, now=now, reason="typing error")
    assert verdicts(infused, now)["stay-near-site"] == "open-and-kept"
    old = Fact.objects.get(pk=first.stored.pk)
    assert (old.withdrawn_at, old.withdrawn_reason) == (now, "typing error")
    assert second.stored.corrects == old
    entry = AuditEntry.objects.filter(model="participants.fact", action="change").get()
    assert (entry.actor, entry.reason) == ("coordinator", "typing error")


@pytest.mark.parametrize("reason", ["", "   "])
def test_nothing_is_corrected_or_withdrawn_without_a_reason(infused, coordinator, reason):
    now = noon(12, 16)
    stored = record_fact(participant=infused, fact=NightAway(INFUSION, 9), by=coordinator, now=now).stored
    for act in (
        lambda: correct_fact(stored=stored, fact=NightAway(INFUSION), by=None, now=now, reason=reason),
        lambda: withdraw_fact(stored=stored, by=None, now=now, reason=reason),
    ):
        with pytest.raises(Refused) as refused:
            act()
        assert set(refused.value.fields) == {"reason"}
    assert Fact.objects.get().withdrawn_at is None


def test_the_slower_of_two_corrections_is_refused(infused):
    now = noon(12, 16)
    stored = record_fact(participant=infused, fact=NightAway(INFUSION, 9), by=None, now=now).stored
    withdraw_fact(stored=stored, by=None, now=now, reason="first")
    with pytest.raises(Refused, match="already"):
        correct_fact(stored=stored, fact=NightAway(INFUSION, 8), by=None, now=now, reason="second")


def test_a_half_life_places_its_window_anew():
    """Five half-lives before enrolment, assumed on Tuesday 1 December 2026."""
    person = enrol(enrolment=an_enrolment(a_version("NCT07193667")), by=None)
    window = ProtocolWindow.objects.get(participant=person, code="biologic-washout")
    assert window.starts_on is None
    dose = Dose("biologic", date(2026, 10, 1), timedelta(days=4), "label 2024")
    record_fact(participant=person, fact=dose, by=None, now=noon(11, 21))
    window.refresh_from_db()
    assert window.starts_on == date(2026, 11, 11)
    assert verdicts(person, noon(11, 21))["biologic-washout"] == "open-and-kept"


def test_a_test_that_something_counts_from_places_its_window_anew():
    """No colony-stimulating factor within 2 weeks before the blood count."""
    person = enrol(enrolment=an_enrolment(a_version("NCT07193667")), by=None)
    count = Result("blood-count", date(2026, 11, 20))
    stored = record_fact(participant=person, fact=count, by=None, now=noon(11, 21)).stored
    window = ProtocolWindow.objects.get(participant=person, code="csf-washout")
    assert (window.starts_on, window.ends_on) == (date(2026, 11, 6), date(2026, 11, 20))
    withdraw_fact(stored=stored, by=None, now=noon(11, 21), reason="another participant's")
    window.refresh_from_db()
    assert window.starts_on is None


@pytest.fixture
def child():
    """Of the one trial with a window that an investigator may waive; consent again on 1 June 2027."""
    version = a_version("NCT07233642")
    one = an_enrolment(version, traits={"minor"}, comes_of_age_on=date(2027, 6, 1))
    return enrol(enrolment=replace(one, anchors={"infusion": AnchorDay(INFUSION)}), by=None)


@pytest.mark.parametrize(
    ("window", "roles", "reason", "words"),
    [
        ("gvhd-free", ("investigator",), "mild", "does not let this window be waived"),
        ("mas-free", ("coordinator",), "mild", "Only an investigator"),
        ("mas-free", ("investigator",), " ", "Enter a reason"),
    ],
)
def test_a_waiver_that_is_not_allowed(child, coordinator, window, roles, reason, words):
    with pytest.raises(Refused, match=words):
        waive_window(
            participant=child, window=window, by=coordinator, roles=roles, now=noon(11, 21), reason=reason
        )


def test_an_investigator_waives_where_the_protocol_allows_it(child, investigator):
    now = noon(11, 21)
    waive_window(
        participant=child, window="mas-free", by=investigator, roles=("investigator",), now=now, reason="mild"
    )
    assert verdicts(child, now)["mas-free"] == "waived"
    again = {"participant": child, "window": "mas-free", "by": investigator, "roles": ("investigator",)}
    with pytest.raises(Refused, match="already waived"):
        waive_window(**again, now=now, reason="twice")
    assert not Flag.objects.filter(window__code="mas-free", cleared_at=None).exists()


def test_a_performed_visit_and_a_confirmation_feed_the_conduct(child):
    now = noon(1, 5)
    Visit.objects.filter(participant=child, code__in=("d0", "d14")).update(performed_on=date(2026, 12, 21))
    assert verdicts(child, now)["contraception"] == "at-risk"
    asked = Confirmation("contraception", date(2026, 12, 21), "d14")
    record_fact(participant=child, fact=asked, by=None, now=now)
    assert verdicts(child, now)["contraception"] in {"at-risk", "open-and-kept"}
