"""The pages of amendments: compared, dry run, begun, watched, tried again."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from participants.models import Consent
from schedules import tasks
from schedules.models import AmendmentRun, AmendmentStep
from tests.cast import a_version, an_approval, document
from tests.integration.replanning.amendments.conftest import second
from tests.integration.web.conftest import TODAY, Enrol, count_queries, with_role
from trials.models import ConsentForm, ProtocolVersion, Role, Site

pytestmark = pytest.mark.django_db


@pytest.fixture
def old(db: None) -> ProtocolVersion:
    return a_version()


@pytest.fixture
def new(old: ProtocolVersion) -> ProtocolVersion:
    return a_version(text=second(document()))


def text(page: Client, address: str, status: int = 200) -> str:
    response = page.get(address)
    assert response.status_code == status, response.content.decode()[-2000:]
    return " ".join(response.content.decode().split())


def asked(old: ProtocolVersion, new: ProtocolVersion, site: Site) -> str:
    query = f"from_version={old.pk}&to_version={new.pk}&sites={site.pk}"
    return f"/amendments/trial/{old.trial_id}/new/?{query}"


def form(shown: str, old: ProtocolVersion, new: ProtocolVersion, site: Site) -> dict[str, object]:
    digest = re.search(r'name="digest" value="([0-9a-f]+)"', shown)
    assert digest
    return {"digest": digest[1], "from_version": old.pk, "to_version": new.pk, "sites": [site.pk]}


def test_from_the_difference_to_the_end_of_the_run(
    page: Client, enrolled: Enrol, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    person = enrolled("S01-001", TODAY, version=old)
    held = enrolled("S01-002", TODAY, version=old)
    an_approval(site, new)
    paper = ConsentForm.objects.create(trial=old.trial, version="1", effective_on=TODAY.replace(month=1))
    again = ConsentForm.objects.create(
        trial=old.trial, version="2", effective_on=TODAY.replace(day=1), consent_again=True
    )
    Consent.objects.create(participant=person, form=again, signed_on=TODAY.replace(day=2))
    Consent.objects.create(participant=held, form=paper, signed_on=TODAY.replace(month=10))
    assert "Compare, and see what would happen" in text(page, f"/amendments/trial/{old.trial_id}/")
    shown = text(page, asked(old, new, site))
    assert "<del>2 days before, 2 days after</del> → <ins>3 days before, 3 days after</ins>" in shown
    assert "Month 9" in shown
    assert "must consent again first" in shown
    assert "1 participant is migrated" in shown
    filled = form(shown, old, new, site)
    without = page.post(asked(old, new, site), filled | {"reason": ""})
    assert without.status_code == 422
    begun = page.post(asked(old, new, site), filled | {"reason": "amendment 2"})
    run = AmendmentRun.objects.get()
    assert begun.headers["Location"] == f"/amendments/{run.pk}/"
    waiting = page.get(f"/amendments/{run.pk}/")
    assert 'hx-trigger="every 3s"' in waiting.content.decode()
    assert '<noscript><meta http-equiv="refresh"' in waiting.content.decode()
    assert "0% done" in waiting.content.decode()
    tasks.amend()
    over = page.get(f"/amendments/{run.pk}/")
    assert "hx-trigger" not in over.content.decode()
    assert "refresh" not in over.content.decode()
    assert "1 added, 1 moved, 1 cancelled" in " ".join(over.content.decode().split())
    Consent.objects.create(participant=held, form=again, signed_on=TODAY)
    page.post(f"/amendments/{run.pk}/retry/", {"reason": "consented"})
    tasks.amend()
    assert set(AmendmentStep.objects.values_list("outcome", flat=True)) == {"done"}
    assert "migrated" in text(page, f"/amendments/trial/{old.trial_id}/")


def test_what_changed_meanwhile_is_shown_again_with_what_was_typed(
    page: Client, enrolled: Enrol, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    enrolled("S01-001", TODAY, version=old)
    an_approval(site, new)
    filled = form(text(page, asked(old, new, site)), old, new, site)
    enrolled("S01-002", TODAY, version=old)
    answer = page.post(asked(old, new, site), filled | {"reason": "amendment 2"})
    assert answer.status_code == 409
    shown = answer.content.decode()
    assert "Something changed since this was shown to you." in shown
    assert 'value="amendment 2"' in shown
    assert not AmendmentRun.objects.exists()


def test_a_run_that_goes_on_is_cancelled_and_can_go_on_later(
    page: Client, enrolled: Enrol, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    enrolled("S01-001", TODAY, version=old)
    an_approval(site, new)
    filled = form(text(page, asked(old, new, site)), old, new, site)
    page.post(asked(old, new, site), filled | {"reason": "amendment 2"})
    run = AmendmentRun.objects.get()
    address = f"/amendments/{run.pk}/"
    part = page.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "waiting" in part
    assert page.post(f"{address}cancel/", {"reason": ""}).status_code == 422
    page.post(f"{address}cancel/", {"reason": "too early"})
    tasks.amend()
    run.refresh_from_db()
    assert run.finished_at
    assert set(AmendmentStep.objects.values_list("outcome", flat=True)) == {"cancelled"}
    assert "the run was cancelled" in text(page, address)
    assert page.post(f"{address}cancel/", {"reason": "again"}).status_code == 422
    page.post(f"{address}retry/", {"reason": "now"})
    tasks.amend()
    assert set(AmendmentStep.objects.values_list("outcome", flat=True)) == {"done"}


def test_a_data_manager_sees_who_came_since_under_the_older_version(
    page: Client, enrolled: Enrol, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    enrolled("S01-001", TODAY, version=old)
    an_approval(site, new)
    manager = Client()
    manager.force_login(with_role("managing", Role.DATA_MANAGER, site))
    filled = form(text(manager, asked(old, new, site)), old, new, site)
    begun = manager.post(asked(old, new, site), filled | {"reason": "amendment 2"})
    run = begun.headers["Location"]
    tasks.amend()
    assert "no part of this" not in text(manager, run)
    enrolled("S01-002", TODAY, version=old)
    assert "1 participant came under version 1 at these sites since" in text(manager, run)
    manager.cookies["django_language"] = "zh-hans"
    shown = text(manager, run)
    assert "1 added, 1 moved" not in shown, "told in the reader's language"
    assert "新增" in shown


def test_versions_that_cannot_be_are_refused_in_words(
    page: Client, old: ProtocolVersion, new: ProtocolVersion, site: Site, enrolled: Enrol
) -> None:
    enrolled("S01-001", TODAY, version=old)
    assert "Choose another version than 1." in text(page, asked(old, old, site), 422)
    other = a_version("NCT07193667")
    assert "Select a valid choice" in text(page, asked(old, other, site), 422)


def test_only_whoever_records_there_brings_participants_over(
    enrolled: Enrol, old: ProtocolVersion, new: ProtocolVersion, site: Site, other_site: Site
) -> None:
    enrolled("S01-001", TODAY, version=old)
    looking, elsewhere = Client(), Client()
    looking.force_login(with_role("looking", Role.MONITOR, site))
    assert looking.get(asked(old, new, site)).status_code == 403
    assert "Compare" not in text(looking, f"/amendments/trial/{old.trial_id}/")
    elsewhere.force_login(with_role("elsewhere", Role.COORDINATOR, other_site))
    run = AmendmentRun.objects.create(
        from_version=old, to_version=new, reason="-", started_at="2026-11-22T00:00Z"
    )
    run.sites.add(site)
    assert elsewhere.get(f"/amendments/{run.pk}/").status_code == 404
    assert looking.post(f"/amendments/{run.pk}/retry/", {"reason": "-"}).status_code == 403


def test_pages_take_as_many_queries_whatever_the_number_of_participants(
    page: Client, enrolled: Enrol, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    enrolled("S01-001", TODAY, version=old)
    an_approval(site, new)
    page.get(asked(old, new, site))
    few = count_queries(lambda: page.get(asked(old, new, site)))
    for number in range(2, 5):
        enrolled(f"S01-00{number}", TODAY, version=old)
    assert count_queries(lambda: page.get(asked(old, new, site))) == few
