"""Enrolling somebody: everything on record in one transaction, or nothing and the reason in words."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from participants.domain.anchors import RecordedAnchor
from participants.models import Anchor, Consent, Participant
from participants.selectors.participants import anchor_days
from participants.services import ConsentGiven, registration
from schedules.domain.errors import EnrolmentRefused, EnrolmentsRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import CalendarState, ProtocolWindow, Visit
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.enrolment.enrolling import Enrolment, enrol, preview_enrolment
from schedules.services.store import plan_rows
from tests.cast import INFUSION, TODAY, a_site, a_version, an_enrolment, document
from tests.protocols import document_of, long_protocol
from trials.models import Cohort, TrialSite, User
from trials.services.protocols.consent_forms import Edition, record_consent_form
from trials.services.protocols.publishing import import_protocol
from trials.services.sites.working_days import record_working_days
from trials.services.store.loading import load_rows

pytestmark = pytest.mark.django_db

PLANNED = AnchorDay(INFUSION)


def test_everything_of_the_plan_is_on_record() -> None:
    enrolment = an_enrolment(traits=["childbearing_potential"])
    plan = preview_enrolment(enrolment)
    user = User.objects.create(username="coordinator")
    participant = enrol(enrolment=enrolment, by=user)
    stored = Participant.objects.get()
    assert (stored, stored.created_by) == (participant, user)
    assert (stored.traits, stored.version) == (["childbearing_potential"], 1)
    kept = {visit.code: visit for visit in Visit.objects.filter(participant=stored)}
    assert list(kept) == [visit.code for visit in plan.visits]
    for planned in plan.visits:
        visit = kept[planned.code]
        assert (visit.opens, visit.target, visit.closes) == planned.window
        assert (visit.anchor_code, visit.anchor_on) == (planned.rule.counts_from.code, planned.base.day)
        assert (visit.offset, visit.label, visit.version) == (planned.offset.iso, planned.label, 1)
        assert visit.performed_on is None
    assert len({visit.uid for visit in kept.values()}) == len(plan.visits)
    windows = ProtocolWindow.objects.filter(participant=stored)
    assert [(w.code, w.starts_on, w.ends_on) for w in windows] == [
        (window.rule.code, window.starts, window.ends) for window in plan.windows
    ]
    assert all(window.because for window in windows)
    assert CalendarState.objects.get(participant=stored).revision == 1
    assert list(anchor_days(stored)) == ["infusion"]


def test_suggestions_come_from_the_newest_working_days_of_the_site() -> None:
    enrolment = an_enrolment()
    record_working_days(site=enrolment.site, by=None, first_year=2026, last_year=2029)
    enrol(enrolment=enrolment, by=None)
    shifted = Visit.objects.get(code="m6")
    assert (shifted.target, shifted.suggested) == (date(2027, 6, 7), date(2027, 6, 7)), "a Monday"
    monday = Visit.objects.get(code="m3")
    assert (monday.target, monday.suggested) == (date(2027, 3, 7), date(2027, 3, 8)), "a Sunday"
    assert monday.why_shifted == "Sunday"


def test_without_working_days_nothing_is_suggested() -> None:
    enrol(enrolment=an_enrolment(), by=None)
    assert not Visit.objects.filter(suggested__isnull=False).exists()


LATE_CONSENT = {"infusion": PLANNED, "consent": AnchorDay(date(2026, 12, 10))}
OUT_OF_BLOCK = {"infusion": PLANNED, "lymphodepletion-start": AnchorDay(date(2026, 12, 4))}
ADULTS = "NCT07274059"


def _change(**changes: Any) -> Callable[[Enrolment], Enrolment]:
    return lambda enrolment: replace(enrolment, **changes)


def _at(**values: Any) -> Callable[[Enrolment], Enrolment]:
    return lambda enrolment: replace(
        enrolment, site=a_site(**({"code": "NEW"} | values)) if values else enrolment.site
    )


def _elsewhere(enrolment: Enrolment) -> Enrolment:
    return replace(enrolment, site=a_site("ELSE"))


def _in_a_site(zone: str) -> Callable[[Enrolment], Enrolment]:
    def changed(enrolment: Enrolment) -> Enrolment:
        site = a_site("NOWHERE", zone=zone)
        TrialSite.objects.create(trial=enrolment.trial, site=site)
        return replace(enrolment, site=site)

    return changed


def _draft(enrolment: Enrolment) -> Enrolment:
    text = document().replace('version: "1"', 'version: "2"')
    return replace(enrolment, version=import_protocol(text=text, by=None))


def _other_trial(enrolment: Enrolment) -> Enrolment:
    return replace(enrolment, version=a_version(ADULTS))


def _others_cohort(enrolment: Enrolment) -> Enrolment:
    trial = a_version(ADULTS).trial
    return replace(enrolment, cohort=Cohort.objects.create(trial=trial, code="X", label="X", position=9))


@pytest.mark.parametrize(
    ("changed", "field", "words", "why"),
    [
        (_change(anchors=OUT_OF_BLOCK), "anchors", "2026-12-02", "chemotherapy would have to start D-5"),
        (_change(anchors=OUT_OF_BLOCK), "anchors", "2026-12-09", "or the infusion be two days later"),
        (_change(anchors=LATE_CONSENT), "anchors", "contradict", "consent comes before all else"),
        (_change(anchors={}), "anchors", "Give the day of Infusion", "nothing counts without day zero"),
        (
            _change(anchors={"consent": PLANNED}),
            "anchors",
            "Give the day of Infusion",
            "consent is not enough",
        ),
        (
            _change(anchors={"infusion": PLANNED, "moon": PLANNED}),
            "anchors",
            "moon is no anchor of this protocol; it has consent",
            "unknown anchor",
        ),
        (
            _change(anchors={"infusion": PLANNED, "enrolment": AnchorDay(INFUSION, AnchorKind.DERIVED)}),
            "anchors",
            "follows from others",
            "a day that was only derived is nobody's word",
        ),
        (
            _change(anchors={"infusion": RecordedAnchor("infusion")}),
            "anchors",
            "Give the day",
            "no day in it",
        ),
        (
            _change(anchors={"infusion": AnchorDay(date.max)}),
            "anchors",
            "outside",
            "the calendar ends in 9999",
        ),
        (
            _change(anchors={"infusion": AnchorDay(date.min)}),
            "anchors",
            "outside",
            "and begins in the year 1",
        ),
        (_change(traits=["tall"]), "traits", "tall is no trait", "unknown trait"),
        (_change(subject_code=""), "subject_code", "capital letters", "no code"),
        (_change(subject_code="Li Lei"), "subject_code", "never a name", "a name is no code"),
        (
            _change(subject_code="S01-001\n"),
            "subject_code",
            "capital letters",
            "a line break hides at the end",
        ),
        (_change(subject_code="S" * 33), "subject_code", "capital letters", "longer than what is stored"),
        (_draft, "version", "not published", "a draft may still change"),
        (_other_trial, "version", "another trial", "the version of another trial"),
        (_others_cohort, "cohort", "another trial", "the cohort of another trial"),
        (_elsewhere, "site", "does not run at site ELSE", "the trial does not run there"),
        (_in_a_site(zone=""), "site", "has no time zone", "without a zone no day is known"),
        (_in_a_site(zone="Mars/Base"), "site", "unknown time zone, Mars/Base", "no such zone"),
        (_in_a_site(zone="Asia"), "site", "unknown time zone", "a folder of zones is no zone"),
        (_in_a_site(zone="../etc/passwd"), "site", "unknown time zone", "nor is a path"),
    ],
)
def test_refused_in_words_and_nothing_written(
    changed: Callable[[Enrolment], Enrolment], field: str, words: str, why: str
) -> None:
    enrolment = changed(an_enrolment())
    with pytest.raises(EnrolmentRefused) as previewed:
        preview_enrolment(enrolment)
    with pytest.raises(EnrolmentRefused) as refused:
        enrol(enrolment=enrolment, by=None)
    assert set(refused.value.fields) == {field}, why
    assert words in " ".join(refused.value.fields[field]), why
    assert previewed.value.fields == refused.value.fields
    assert not Participant.objects.exists()


def test_all_that_is_wrong_with_a_place_is_said_at_once() -> None:
    enrolment = _in_a_site(zone="")(replace(_draft(an_enrolment()), subject_code="?"))
    with pytest.raises(EnrolmentRefused) as refused:
        enrol(enrolment=enrolment, by=None)
    assert set(refused.value.fields) == {"site", "version", "subject_code"}


def test_a_taken_subject_code_is_refused_in_this_trial_only() -> None:
    enrolment = an_enrolment()
    enrol(enrolment=enrolment, by=None)
    for act in (preview_enrolment, lambda taken: enrol(enrolment=taken, by=None)):
        with pytest.raises(EnrolmentRefused) as refused:
            act(enrolment)
        assert refused.value.fields == {"subject_code": ("Subject code S01-001 is taken in this trial.",)}
    enrol(enrolment=an_enrolment(a_version(ADULTS)), by=None)
    assert Participant.objects.count() == 2


def test_a_failure_after_the_participant_is_written_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise IntegrityError("the disk is full")

    monkeypatch.setattr(plan_rows, "load_rows", broken)
    with pytest.raises(IntegrityError):
        enrol(enrolment=an_enrolment(), by=None)
    assert not Participant.objects.exists()
    assert not Anchor.objects.exists()


def test_an_integrity_error_that_is_no_taken_code_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise IntegrityError("something else")

    monkeypatch.setattr(registration, "load_rows", broken)
    with pytest.raises(IntegrityError, match="something else"):
        enrol(enrolment=an_enrolment(), by=None)


@pytest.mark.django_db(transaction=True)
def test_of_four_at_once_with_one_subject_code_one_is_enrolled_and_three_are_refused_in_words() -> None:
    enrolment = an_enrolment()
    start = threading.Barrier(4)
    outcomes: list[object] = []

    def run() -> None:
        start.wait()
        try:
            outcomes.append(enrol(enrolment=enrolment, by=None))
        except EnrolmentRefused as error:
            outcomes.append(error.fields)
        except Exception as error:  # noqa: BLE001 - whatever it is must be seen below
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = {"subject_code": ("Subject code S01-001 is taken in this trial.",)}
    assert [outcome for outcome in outcomes if outcome == refused] == [refused] * 3, outcomes
    assert Participant.objects.count() == 1
    assert Visit.objects.count() == len(preview_enrolment(replace(enrolment, subject_code="S2")).visits)


def test_an_hour_is_kept_and_its_day_is_the_sites() -> None:
    at = datetime(2026, 12, 6, 17, 30, tzinfo=UTC)  # half past one on the 7th in Shanghai
    enrolment = an_enrolment(anchors={"infusion": AnchorDay.at_instant(at)})
    participant = enrol(enrolment=enrolment, by=None)
    recorded = anchor_days(Participant.objects.get())["infusion"]
    assert (recorded.planned_on, recorded.planned_at) == (INFUSION, at)
    assert Visit.objects.get(participant=participant, code="d0").target == INFUSION
    assert (
        preview_enrolment(replace(enrolment, anchors={"infusion": recorded}, subject_code="S2")).visits
        == preview_enrolment(replace(enrolment, subject_code="S3")).visits
    )


def test_an_actual_day_beats_the_planned_one_and_both_are_kept() -> None:
    anchor = RecordedAnchor("infusion", planned_on=INFUSION, actual_on=date(2026, 12, 8))
    enrol(enrolment=an_enrolment(anchors={"infusion": anchor}), by=None)
    assert anchor_days(Participant.objects.get()) == {"infusion": anchor}
    visit = Visit.objects.get(code="d0")
    assert (visit.target, visit.anchor_kind) == (date(2026, 12, 8), "actual")


def test_a_window_in_hours_is_kept_by_the_hour() -> None:
    at = datetime(2026, 12, 7, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
    enrolment = an_enrolment(
        a_version("NCT07339332"),
        anchors={
            "infusion": PLANNED,
            "lymphodepletion-start": AnchorDay(date(2026, 12, 2), at=at.replace(day=2)),
        },
        traits=["childbearing_potential"],
    )
    enrol(enrolment=enrolment, by=None)
    window = ProtocolWindow.objects.get(code="hcg-before-lymphodepletion")
    assert window.starts_at == at.replace(month=11, day=30), "48 hours before"
    assert (window.starts_on, window.ends_on) == (date(2026, 11, 30), date(2026, 12, 2))


def test_the_number_of_queries_does_not_grow_with_the_visits(
    django_assert_num_queries: Callable[[int], CaptureQueriesContext],
) -> None:
    short, long = (
        replace(an_enrolment(a_version(text=document_of(long_protocol(visits)))), subject_code=f"V{visits}")
        for visits in (15, 40)
    )
    preview_enrolment(short)
    preview_enrolment(long)
    with CaptureQueriesContext(connection) as of_the_short:
        enrol(enrolment=short, by=None)
    assert len(of_the_short) <= 31
    with django_assert_num_queries(len(of_the_short)):
        enrol(enrolment=long, by=None)
    kept = [Visit.objects.filter(participant__subject_code=code).count() for code in ("V15", "V40")]
    assert kept == [15, 40]


def test_each_table_is_written_by_one_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[type] = []

    def counting(model: type, *rest: Any) -> None:
        written.append(model)
        load_rows(model, *rest)

    monkeypatch.setattr(plan_rows, "load_rows", counting)
    monkeypatch.setattr(registration, "load_rows", counting)
    enrol(enrolment=an_enrolment(), by=None)
    assert written == [Participant, Anchor, Visit, ProtocolWindow, CalendarState], (
        "a COPY shows in no query log"
    )


def test_what_has_happened_is_not_in_the_future() -> None:
    """An actual day after the site's today is refused; today itself is not."""
    anchors = {"infusion": RecordedAnchor("infusion", actual_on=TODAY + timedelta(1))}
    with pytest.raises(EnrolmentRefused, match="in the future: today is Saturday 2026-11-21"):
        enrol(enrolment=an_enrolment(anchors=anchors, today=TODAY), by=None)
    enrol(enrolment=an_enrolment(anchors=anchors, today=TODAY + timedelta(1)), by=None)


def test_a_name_is_no_subject_code() -> None:
    with pytest.raises(EnrolmentRefused, match="at least one digit"):
        enrol(enrolment=an_enrolment(subject_code="WANG-XIAOMING"), by=None)


def test_nobody_is_enrolled_without_a_consent_form_or_a_reason_whoever_calls() -> None:
    enrolment = an_enrolment(no_consent_reason=" ")
    for call in (
        lambda: enrol(enrolment=enrolment, by=None),
        lambda: preview_enrolment(enrolment),
        lambda: bulk_enrol(enrolments=[enrolment], by=None),
    ):
        with pytest.raises((EnrolmentRefused, EnrolmentsRefused), match="No consent form is on record"):
            call()
    assert not Participant.objects.exists()


def test_a_consent_of_another_trial_or_too_long_a_reason_is_refused_and_a_consent_dates_its_anchor() -> None:
    enrolment = an_enrolment()
    own = record_consent_form(trial=enrolment.trial, edition=Edition("1", date(2026, 1, 1)), by=None)
    other = record_consent_form(
        trial=a_version(ADULTS).trial, edition=Edition("1", date(2026, 1, 1)), by=None
    )
    foreign = replace(enrolment, consent=ConsentGiven(other, TODAY))
    with pytest.raises(EnrolmentRefused, match="another trial"):
        enrol(enrolment=foreign, by=None)
    with pytest.raises(EnrolmentRefused, match="at most 500"):
        enrol(enrolment=replace(enrolment, no_consent_reason="x" * 501), by=None)
    people = [replace(enrolment, consent=ConsentGiven(own, TODAY), subject_code=f"S01-00{n}") for n in (1, 2)]
    bulk_enrol(enrolments=people, by=None)
    enrol(enrolment=replace(people[0], subject_code="S01-003"), by=None)
    signed = Consent.objects.order_by("pk").values_list("participant__subject_code", "form", "signed_on")
    assert list(signed) == [(f"S01-00{n}", own.pk, TODAY) for n in (1, 2, 3)]
    assert set(Anchor.objects.filter(code="consent").values_list("actual_on", flat=True)) == {TODAY}
    assert not Participant.objects.exclude(no_consent_reason="").exists(), "a form needs no reason"
