"""Enrolling in the browser: refused in words with the form as it was, previewed, and only then saved."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from participants.models import Anchor, Participant
from schedules.models import Deviation, Visit
from tests.cast import NOW, an_approval, an_enrolment, document
from tests.integration.web.conftest import Enrol, with_role
from trials.models import ProtocolVersion, Role, Site
from trials.services.protocols.consent_forms import Edition, record_consent_form
from trials.services.protocols.publishing import import_protocol, publish_protocol

ADDRESS = "/participants/enrol/"


@pytest.fixture
def filled(site: Site, version: ProtocolVersion) -> dict[str, Any]:
    """A form that would do."""
    an_approval(site, version)
    return {
        "version": version.pk,
        "site": site.pk,
        "subject_code": "S01-007",
        "anchor-infusion-planned-on": "2026-12-21",
        "no_consent_reason": "signed tomorrow",
    }


def shown(page: Client, data: dict[str, Any], action: str = "preview") -> tuple[str, Any]:
    answer = page.post(ADDRESS, {**data, "action": action})
    return answer.content.decode(), answer.context


def test_the_form_asks_first_where_and_under_which_version(
    page: Client, filled: dict[str, Any], version: ProtocolVersion
) -> None:
    later = document("NCT07274059").replace('version: "2025-12-10"', 'version: "2026-01-01"')
    publish_protocol(version=import_protocol(text=later, by=None), by=None, now=NOW)
    first = page.get(ADDRESS).content.decode()
    assert "subject_code" not in first, "there is a choice"
    text, _ = shown(page, {"version": filled["version"], "site": filled["site"]}, "choose")
    assert "Subject code" in text
    assert "Receives lymphodepletion" in text
    assert 'class="error"' not in text, "nothing is judged before it was asked for"


def test_a_plan_is_shown_and_nothing_is_saved(page: Client, filled: dict[str, Any]) -> None:
    text, context = shown(page, filled)
    assert "The plan, not saved yet" in text
    assert "2027-01-18" in text, "day 28"
    assert len(context["preview"].visits) == 10
    assert not Participant.objects.exists()


def test_what_was_shown_is_saved(page: Client, filled: dict[str, Any]) -> None:
    _, context = shown(page, filled)
    answer = page.post(ADDRESS, {**filled, "action": "enrol", "seal": context["preview"].seal})
    participant = Participant.objects.get()
    assert answer["Location"] == f"/participants/{participant.pk}/"
    assert Visit.objects.filter(participant=participant).count() == 10
    assert "S01-007 is enrolled." in page.get(answer["Location"]).content.decode()


def test_what_was_changed_after_the_plan_is_shown_again_before_it_is_saved(
    page: Client, filled: dict[str, Any]
) -> None:
    _, context = shown(page, filled)
    seal = context["preview"].seal
    text, _ = shown(page, {**filled, "anchor-infusion-planned-on": "2026-12-22", "seal": seal}, "enrol")
    assert "Something was changed after the plan had been shown" in text
    assert not Participant.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words", "why"),
    [
        ({"subject_code": ""}, "This field is required.", "no subject code"),
        ({"subject_code": "Zhang San"}, "never a name", "a name is no subject code"),
        (
            {"subject_code": "s01-001"},
            "Subject code S01-001 is taken in this trial.",
            "taken, however written",
        ),
        ({"anchor-infusion-planned-on": ""}, "Give the day of Infusion", "nothing to count from"),
        ({"anchor-infusion-planned-on": "2026-02-30"}, "Enter a valid date.", "no such day"),
        ({"anchor-consent-planned-at": "09:00"}, "Give the day of this hour too.", "an hour without a day"),
        ({"anchor-infusion-planned-on": "9999-12-31"}, "outside the calendar", "the end of all calendars"),
        ({"traits": ["immortal"]}, "Select a valid choice", "an unknown trait"),
        ({"anchor-consent-actual-on": "2026-12-30"}, "contradict each other", "consent after the infusion"),
    ],
)
def test_what_is_refused_is_said_in_words_and_nothing_typed_is_lost(
    page: Client, filled: dict[str, Any], enrolled: Enrol, changes: dict[str, Any], words: str, why: str
) -> None:
    enrolled("S01-001")
    asked = {"anchor-screening-planned-on": "2026-11-24", **filled, **changes}
    text, context = shown(page, asked)
    seal = context["preview"].seal if context.get("preview") else ""
    text, _ = shown(page, {**asked, "seal": seal}, "enrol")
    assert words in text, why
    assert 'value="2026-11-24"' in text, "the form is as it was"
    assert Participant.objects.count() == 1


def test_a_contradiction_names_the_day_that_mends_it_and_offers_it(
    page: Client, filled: dict[str, Any]
) -> None:
    filled |= {"traits": ["lymphodepletion"], "anchor-lymphodepletion-start-planned-on": "2026-12-15"}
    text, context = shown(page, filled)
    assert "Start of lymphodepletion on Tue 15 Dec and Infusion on Mon 21 Dec contradict each other." in text
    offered = [(mend.value, mend.words) for mend in context["form"].mends]
    assert offered == [
        ("lymphodepletion-start=2026-12-16", "Set Start of lymphodepletion to Wed 16 Dec"),
        ("infusion=2026-12-20", "Set Infusion to Sun 20 Dec"),
    ]
    mended = page.post(ADDRESS, {**filled, "mend": "infusion=2026-12-20"})
    assert mended.context["preview"]
    assert 'value="2026-12-20"' in mended.content.decode()


def test_an_offer_that_nobody_made_changes_nothing_else(page: Client, filled: dict[str, Any]) -> None:
    answer = page.post(ADDRESS, {**filled, "mend": "subject_code=X"})
    assert answer.context["form"].cleaned_data["subject_code"] == "S01-007"


def test_a_version_that_is_not_published_is_refused(page: Client, filled: dict[str, Any]) -> None:
    text = document("NCT07274059").replace('version: "2025-12-10"', 'version: "2026-01-01"')
    draft = import_protocol(text=text, by=None)
    text, _ = shown(page, {**filled, "version": draft.pk})
    assert "(not published)" in text
    assert "Version 2026-01-01 is not published yet." in text


def test_a_site_without_a_zone_is_refused(page: Client, filled: dict[str, Any], site: Site) -> None:
    Site.objects.filter(pk=site.pk).update(zone="")
    text, _ = shown(page, filled)
    assert "has no time zone" in text
    assert 'value="S01-007"' in text


def test_a_site_out_of_reach_cannot_be_chosen(page: Client, filled: dict[str, Any], other_site: Site) -> None:
    text, _ = shown(page, {**filled, "site": other_site.pk})
    assert "Select a valid choice" in text
    assert other_site.name not in text


def test_a_version_out_of_sight_is_as_none(page: Client, filled: dict[str, Any]) -> None:
    assert "subject_code" not in shown(page, {**filled, "version": 999999})[0]
    assert "subject_code" not in shown(page, {**filled, "version": "x"})[0]


def test_roles_that_do_not_enrol_are_told_so(site: Site) -> None:
    client = Client()
    client.force_login(with_role("monitor", Role.MONITOR, site))
    assert client.get(ADDRESS).status_code == 403
    assert 'href="/participants/enrol/"' not in client.get("/").content.decode()


def test_a_role_in_one_trial_does_not_enrol_in_another(
    page: Client, filled: dict[str, Any], site: Site, version: ProtocolVersion
) -> None:
    other = an_enrolment(site=site)  # another trial at the same site
    from tests.integration.web.conftest import TODAY
    from trials.models import User
    from trials.services.accounts.memberships import grant_membership

    user = User.objects.create_user("both")
    grant_membership(user=user, role=Role.COORDINATOR, trial=other.trial, starts_on=TODAY, by=None)
    client = Client()
    client.force_login(user)
    assert "subject_code" not in shown(client, filled)[0]


def test_a_history_against_the_protocol_asks_why_and_keeps_what_was_typed(
    page: Client, filled: dict[str, Any]
) -> None:
    """Screened on 2 November, a consent of the 4th: it happened, and nothing else is asked."""
    days = {"consent": "2026-11-04", "screening": "2026-11-02"}
    filled |= {f"anchor-{code}-actual-on": day for code, day in days.items()}
    assert 'name="reason"' not in shown(page, {**filled, "anchor-consent-actual-on": ""})[0]
    text, _ = shown(page, filled)
    assert "This turns the order round: Consent on Wed 4 Nov" in text
    assert 'name="reason"' in text
    text, context = shown(page, {**filled, "reason": "found afterwards"})
    assert 'value="found afterwards"' in text
    seal = context["preview"].seal
    page.post(ADDRESS, {**filled, "reason": "found afterwards", "action": "enrol", "seal": seal})
    assert Deviation.objects.get().kind == "order"


def test_nobody_is_enrolled_without_a_consent_form_or_a_reason(page: Client, filled: dict[str, Any]) -> None:
    text, _ = shown(page, {**filled, "no_consent_reason": "  "})
    assert "No consent form is on record: give the form and the day it was signed, or say why not." in text
    assert 'value="S01-007"' in text, "what was typed is kept"
    assert "The trial has no consent form on record yet" in text
    _, context = shown(page, filled)
    page.post(ADDRESS, {**filled, "action": "enrol", "seal": context["preview"].seal})
    person = Participant.objects.get()
    assert person.no_consent_reason == "signed tomorrow"
    assert "signed tomorrow" in page.get(f"/participants/{person.pk}/consent/").content.decode()
    assert "signed tomorrow" in page.get("/consents/?show=missing").content.decode()


def test_the_consent_form_is_recorded_with_the_enrolment_and_dates_the_key_date(
    page: Client, filled: dict[str, Any], version: ProtocolVersion
) -> None:
    edition = record_consent_form(trial=version.trial, edition=Edition("1.0", date(2026, 1, 1)), by=None)
    filled |= {"consent_form": edition.pk, "signed_on": "2026-11-16", "no_consent_reason": ""}
    assert (
        "day of consent is on record as"
        in shown(page, {**filled, "anchor-consent-actual-on": "2026-11-10"})[0]
    )
    assert "is used from" in shown(page, {**filled, "signed_on": "2025-11-16"})[0]
    assert "Choose the edition" in shown(page, {**filled, "consent_form": ""})[0]
    _, context = shown(page, filled)
    page.post(ADDRESS, {**filled, "action": "enrol", "seal": context["preview"].seal})
    person = Participant.objects.get()
    assert [str(one.signed_on) for one in person.consents.all()] == ["2026-11-16"]
    assert str(Anchor.objects.get(participant=person, code="consent").actual_on) == "2026-11-16"


def test_days_are_proposed_and_one_click_leads_to_the_calendar(page: Client, filled: dict[str, Any]) -> None:
    """Where there is one site and one version the form begins with them: two clicks, and enrolled."""
    first = page.get(ADDRESS)
    days = first.context["proposals"].days
    assert len(days) == 5
    assert f'name="take" value="{days[0].day}"' in first.content.decode()
    asked = {**filled, "anchor-infusion-planned-on": "", "take": str(days[0].day)}
    answer = page.post(ADDRESS, asked)
    assert answer.context["preview"]
    assert f'value="{days[0].day}"' in answer.content.decode()
    wrong = page.post(ADDRESS, {**asked, "subject_code": ""})
    assert not wrong.context["preview"]
    assert f'value="{days[0].day}"' in wrong.content.decode(), "the day that was taken is kept"


def test_what_speaks_against_a_day_is_a_list_and_no_sentence(page: Client, filled: dict[str, Any]) -> None:
    """Each begins with a capital: a semicolon before it would begin nothing."""
    days = page.get(ADDRESS).context["proposals"].days
    several = [one.against for one in days if " · " in one.against]
    assert several, "a day against which two things speak"
    assert not any(";" in one.against for one in days)


@pytest.mark.parametrize("typed", ["Ｓ０１－００７", " s01–007 ", "S01-007"])
def test_a_code_is_read_as_it_was_meant(page: Client, filled: dict[str, Any], typed: str) -> None:
    """A Chinese keyboard writes letters, digits and hyphens as wide as its other characters."""
    _, context = shown(page, {**filled, "subject_code": typed})
    page.post(ADDRESS, {**filled, "subject_code": typed, "action": "enrol", "seal": context["preview"].seal})
    assert Participant.objects.get().subject_code == "S01-007"
    found = page.get("/find/", {"q": typed})
    assert found.status_code == 302, "and it is found as it was typed"


def test_the_form_begins_where_one_enrolled_last(
    page: Client, filled: dict[str, Any], version: ProtocolVersion
) -> None:
    later = document("NCT07274059").replace('version: "2025-12-10"', 'version: "2026-01-01"')
    publish_protocol(version=import_protocol(text=later, by=None), by=None, now=NOW)
    _, context = shown(page, filled)
    page.post(ADDRESS, {**filled, "action": "enrol", "seal": context["preview"].seal})
    again = page.get(ADDRESS)
    assert again.context["form"].initial["version"] == version.pk
    assert "The code that was given last here: S01-007." in again.content.decode()
