"""Consent: the form's version, the day, consent again needed and done, withdrawn."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.domain.consents import ConsentState
from participants.domain.errors import ConsentRefused
from participants.models import Anchor, Consent
from participants.selectors_consent import asked_again, consent_standing, without_consent
from participants.services.consent import withdraw_consent
from schedules.domain.errors import VisitRefused
from schedules.domain.visit_values import Completion
from schedules.models import Visit
from schedules.services.consents import record_consent
from schedules.services.planning import enrol
from schedules.services.visits import complete_visit
from tests.cast import NOW, TODAY, a_version, an_enrolment
from trials.models import ConsentForm, Trial
from trials.services.consent_forms import ConsentFormRefused, Edition, record_consent_form

pytestmark = pytest.mark.django_db

NOVEMBER = date(2026, 11, 2)


def form(
    trial: Trial, version: str = "1.0", day: date = date(2026, 1, 5), again: bool = False
) -> ConsentForm:
    return record_consent_form(trial=trial, edition=Edition(version, day, again), by=None)


def test_a_consent_sets_the_day_of_consent_and_stands(participant) -> None:
    first = form(participant.trial)
    record_consent(participant=participant, form=first, signed_on=NOVEMBER, now=NOW, by=None)
    standing = consent_standing(participant, TODAY)
    assert (standing.state, standing.first_on, standing.given) == (ConsentState.GIVEN, NOVEMBER, True)
    assert Anchor.objects.get(participant=participant, code="consent").actual_on == NOVEMBER


def test_re_consent_is_needed_and_done(participant, coordinator, django_assert_num_queries) -> None:
    first, newer = form(participant.trial), form(participant.trial, "2.0", date(2026, 11, 10), again=True)
    assert list(without_consent(coordinator, TODAY)) == [participant]
    record_consent(participant=participant, form=first, signed_on=NOVEMBER, now=NOW, by=None)
    assert consent_standing(participant, TODAY).state is ConsentState.AGAIN
    assert [person.subject_code for person in asked_again(coordinator, TODAY)] == ["S01-001"]
    assert not asked_again(coordinator, date(2026, 11, 9)).exists(), "not yet in use"
    record_consent(participant=participant, form=newer, signed_on=TODAY, now=NOW, by=None)
    standing = consent_standing(participant, TODAY)
    assert standing.form is not None
    assert (standing.state, standing.form.version, standing.signed_on) == (ConsentState.GIVEN, "2.0", TODAY)
    assert standing.first_on == NOVEMBER
    assert not asked_again(coordinator, TODAY).exists()
    assert not without_consent(coordinator, TODAY).exists()


def test_the_list_takes_as_many_queries_for_many(participant, coordinator, version, site) -> None:
    first = form(participant.trial)
    form(participant.trial, "2.0", date(2026, 11, 10), again=True)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            list(asked_again(coordinator, TODAY))
        return len(queries)

    few = count()
    Consent.objects.create(participant=participant, form=first, signed_on=NOVEMBER)
    assert [person.asked_version for person in asked_again(coordinator, TODAY)] == ["2.0"]
    assert count() == few


def test_a_withdrawn_consent_stands_no_more(participant, coordinator) -> None:
    first = form(participant.trial)
    form(participant.trial, "2.0", date(2026, 11, 10), again=True)
    record_consent(participant=participant, form=first, signed_on=NOVEMBER, now=NOW, by=None)
    asked = {"participant": participant, "today": TODAY, "by": coordinator}
    with pytest.raises(ConsentRefused, match="reason goes on record"):
        withdraw_consent(withdrawn_on=TODAY, reason=" ", **asked)
    with pytest.raises(ConsentRefused, match="before the consent"):
        withdraw_consent(withdrawn_on=date(2026, 11, 1), reason="letter", **asked)
    assert withdraw_consent(withdrawn_on=TODAY, reason="letter", **asked) == 1
    standing = consent_standing(participant, TODAY)
    assert (standing.state, standing.withdrawn_on) == (ConsentState.WITHDRAWN, TODAY)
    assert not asked_again(coordinator, TODAY).exists(), "nobody asks them again"
    with pytest.raises(ConsentRefused, match="No consent stands"):
        withdraw_consent(withdrawn_on=TODAY, reason="letter", **asked)


@pytest.mark.parametrize(
    ("day", "field", "words"),
    [
        (date(2026, 11, 22), "signed_on", "in the future"),
        (date(2026, 1, 4), "signed_on", "is used from 2026-01-05"),
    ],
)
def test_a_consent_that_cannot_be_is_refused_and_nothing_written(participant, day, field, words) -> None:
    with pytest.raises(ConsentRefused, match=words) as refused:
        record_consent(participant=participant, form=form(participant.trial), signed_on=day, now=NOW, by=None)
    assert set(refused.value.fields) == {field}
    assert not Consent.objects.exists()
    assert not Anchor.objects.filter(participant=participant, code="consent").exists()


def test_another_trials_form_and_a_second_consent_to_one_are_refused(participant) -> None:
    other = form(a_version("NCT07274059").trial)
    with pytest.raises(ConsentRefused, match="another trial"):
        record_consent(participant=participant, form=other, signed_on=NOVEMBER, now=NOW, by=None)
    ours = form(participant.trial)
    record_consent(participant=participant, form=ours, signed_on=NOVEMBER, now=NOW, by=None)
    with pytest.raises(ConsentRefused, match="is on record for 2026-11-02"):
        record_consent(participant=participant, form=ours, signed_on=NOVEMBER, now=NOW, by=None)


def test_an_edition_is_recorded_once(participant) -> None:
    form(participant.trial)
    with pytest.raises(ConsentFormRefused, match="give another version"):
        form(participant.trial)
    with pytest.raises(ConsentFormRefused, match="as it is printed"):
        form(participant.trial, " ")


def test_no_infusion_before_consent(version, site) -> None:
    from schedules.domain.plan import AnchorDay, AnchorKind

    anchors = {
        "screening": AnchorDay(date(2026, 10, 30), AnchorKind.ACTUAL),
        "lymphodepletion-start": AnchorDay(date(2026, 11, 16), AnchorKind.ACTUAL),
        "infusion": AnchorDay(TODAY),
    }
    person = enrol(enrolment=an_enrolment(version, site=site, anchors=anchors), by=None)
    infusion = Visit.objects.get(participant=person, code="d0")
    with pytest.raises(VisitRefused, match="No infusion before consent"):
        complete_visit(
            visit=infusion,
            version=infusion.version,
            completion=Completion(TODAY),
            by=None,
            reason="",
            now=NOW,
        )
