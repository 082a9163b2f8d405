"""Five hundred sites: no page grows with those that it does not show, and each is found by code or name."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.integration.web.conftest import TODAY, Enrol
from trials.models import ProtocolVersion, Role, Site, TrialSite, User
from trials.services.accounts.memberships import grant_membership

pytestmark = pytest.mark.django_db
FEW, MANY = 60, 500
LISTS = (
    *("today", "worklist", "participants", "flags", "deviations", "screening-log", "enrolment-log"),
    *("differences", "forecast", "setup", "sites", "trials", "calendar", "enrol"),
)


def add_sites(version: ProtocolVersion, first: int, last: int) -> None:
    sites = Site.objects.bulk_create(
        Site(
            code=f"P{number:03}",
            name=f"Place {number:03}",
            short_name_zh=f"第{number}家",
            zone="Asia/Shanghai",
        )
        for number in range(first, last)
    )
    TrialSite.objects.bulk_create(TrialSite(trial=version.trial, site=site) for site in sites)


@pytest.fixture
def everywhere(version: ProtocolVersion, enrolled: Enrol) -> Client:
    """The browser of somebody who coordinates at every site."""
    enrolled()
    add_sites(version, 1, FEW)
    user = User.objects.create_user("everywhere")
    grant_membership(user=user, role=Role.COORDINATOR, starts_on=TODAY, by=None)
    client = Client()
    client.force_login(user)
    return client


def test_no_page_grows_with_sites_that_it_does_not_show(everywhere: Client, version: ProtocolVersion) -> None:
    addresses = [*map(reverse, LISTS), reverse("trial", args=[version.trial.pk])]
    before = {address: len(everywhere.get(address).content) for address in addresses}
    add_sites(version, FEW, MANY)
    after = {address: len(everywhere.get(address).content) for address in addresses}
    grown = {address: (before[address], after[address]) for address in addresses}
    assert all(after[one] - before[one] < 400 for one in addresses), grown
    assert max(after.values()) < 90_000, grown


@pytest.mark.parametrize("given", ["P007", "p007", "P007 · Place 007", "Place 007", "第7家"])
def test_a_list_is_filtered_by_a_site_that_is_typed(everywhere: Client, given: str) -> None:
    for name in ("worklist", "participants", "flags", "deviations", "forecast", "today"):
        answer = everywhere.get(reverse(name), {"site": given})
        assert answer.status_code == 200, name
        assert 'value="P007 · Place 007"' in answer.content.decode(), name


def test_a_form_takes_a_site_that_is_typed(everywhere: Client, version: ProtocolVersion) -> None:
    typed = {"version": version.pk, "action": "choose"}
    for given in ("P007", "place 007", str(Site.objects.get(code="P007").pk)):
        answer = everywhere.post(reverse("enrol"), {**typed, "site": given})
        assert answer.context["form"].cleaned_data["site"].code == "P007", given
    shown = everywhere.get(reverse("enrol"), {"version": version.pk}).content.decode()
    assert 'list="site-found"' in shown
    assert "Place 031" not in shown
    refused = everywhere.post(reverse("enrol"), {**typed, "site": "Place 0", "action": "preview"})
    assert "Several are called “Place 0”" in refused.content.decode()
    week = everywhere.get(reverse("calendar"), {"site": "P007 · Place 007"})
    assert week.context["asked"].site.code == "P007"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("Plaice", "is not the code or the name of anything"),
        ("Place 0", "Several are called"),
        ("P00\x00", "is not the code or the name of anything"),
    ],
)
def test_a_site_that_nobody_can_mean_is_refused_in_words(everywhere: Client, given: str, said: str) -> None:
    for name in ("worklist", "participants", "flags", "enrolment-log"):
        answer = everywhere.get(reverse(name), {"site": given})
        assert answer.status_code == 400, name
        assert said in answer.content.decode(), name


def test_what_is_typed_finds_sites_in_sight_and_no_others(everywhere: Client, page: Client) -> None:
    address = reverse("find-places", args=["site"])
    found = everywhere.get(address, {"site": "place 00"}).content.decode()
    assert found.count("<option") == 9
    assert everywhere.get(address, {"site": "P"}).content.decode().count("<option") == 20
    assert "P001" not in page.get(address, {"site": "P001"}).content.decode()
    assert page.get(address, {"site": "WH"}).content.decode().count("<option") == 1
    assert page.get("/find/secrets/").status_code == 404


def test_the_list_of_sites_has_pages_and_is_searched(everywhere: Client) -> None:
    first = everywhere.get(reverse("sites")).content.decode()
    assert first.count('scope="row"') == 50
    assert "Page 1 of 2" in first
    assert everywhere.get(reverse("sites"), {"page": 2}).content.decode().count('scope="row"') == 10
    one = everywhere.get(reverse("sites"), {"site": "place 031"}).content.decode()
    assert (one.count('scope="row"'), "P031" in one) == (1, True)
    none = everywhere.get(reverse("sites"), {"site": "nowhere"}).content.decode()
    assert "No site matches." in none


def test_few_sites_are_chosen_from_a_list(page: Client, site: Site) -> None:
    shown = page.get(reverse("worklist")).content.decode()
    assert f'<option value="{site.pk}">' in shown
    assert "site-found" not in shown
