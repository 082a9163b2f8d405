"""Machine clients: what a token is for, until when, in which language, and how it is rotated."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from participants.models import Participant
from schedules.services.enrolment.enrolling import enrol
from tests.cast import NOW, TODAY, a_site, an_enrolment, show_who_one_is
from tests.readers import all_pages, problem
from trials.domain.errors import Refused
from trials.models import ApiAct, ApiToken, Membership, Role, User
from trials.services.accounts.tokens import TokenScope, issue_api_token, revoke_api_token, rotate_api_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]


def reading(client, text, address="/api/v1/visits", **headers):
    return client.get(address, headers={"authorization": f"Bearer {text}", **headers})


def test_a_token_of_one_site_shows_that_site_whatever_its_user_may_see(
    client, participant: Participant, edc: User
) -> None:
    Membership.objects.filter(user=edc).update(site=None)
    there = a_site("BJ")
    enrol(enrolment=an_enrolment(participant.protocol_version, subject_code="S02-001", site=there), by=None)
    for user in (edc, User.objects.create_superuser("root")):
        _token, text = issue_api_token(user=user, name="EDC", scope=TokenScope(site=there))
        sites = {
            visit["site"] for visit in all_pages(lambda at, t=text: reading(client, t, at), "/api/v1/visits")
        }
        assert sites == {"BJ"}
    assert reading(client, text, f"/api/v1/participants/{participant.pk}").status_code == 404


def test_a_token_gives_no_more_than_its_user_has(client, participant: Participant, edc: User) -> None:
    _token, text = issue_api_token(user=edc, name="EDC", scope=TokenScope(site=a_site("BJ")))
    assert problem(reading(client, text))["status"] == 403


def test_a_token_ends_at_its_hour(client, edc: User) -> None:
    _token, text = issue_api_token(
        user=edc, name="EDC", scope=TokenScope(expires_at=NOW + timedelta(hours=1))
    )
    assert reading(client, text).status_code == 200
    ApiToken.objects.update(expires_at=NOW)
    assert reading(client, text).status_code == 401


def test_rotation_lets_the_old_one_go_on_for_the_overlap(client, edc: User, time_machine_later) -> None:
    old, before = issue_api_token(
        user=edc, name="EDC", scope=TokenScope(acts=["read", "visits:write"], language="en")
    )
    new, after = rotate_api_token(token=old, overlap=timedelta(days=7), now=NOW)
    assert (new.replaces, new.acts, new.language) == (old, ["read", "visits:write"], "en")
    assert reading(client, before).status_code == reading(client, after).status_code == 200
    with time_machine_later(timedelta(days=7)):
        assert reading(client, before).status_code == 401
        assert reading(client, after).status_code == 200
        with pytest.raises(Refused, match="Issue another one"):
            rotate_api_token(
                token=ApiToken.objects.get(pk=old.pk), overlap=timedelta(0), now=NOW + timedelta(days=7)
            )
    revoke_api_token(token=new, now=NOW)
    with pytest.raises(Refused):
        rotate_api_token(token=new, overlap=timedelta(0), now=NOW)


def test_the_language_of_a_client_is_fixed(client, edc: User) -> None:
    _token, text = issue_api_token(user=edc, name="EDC", scope=TokenScope(language="zh-hans"))
    words = problem(reading(client, text, "/api/v1/visits?colour=red", **{"accept-language": "en"}))["detail"]
    assert "没有" in words


@pytest.mark.parametrize("acts", [[], ["everything"]])
def test_a_token_names_its_acts(edc: User, acts: list[str]) -> None:
    with pytest.raises(Refused, match="possible are read, visits:write"):
        issue_api_token(user=edc, name="EDC", scope=TokenScope(acts=acts))


def test_a_key_is_issued_with_its_bounds_and_rotated_in_the_records(client, edc: User) -> None:
    root = User.objects.create_superuser("root")
    client.force_login(root)
    show_who_one_is(client)
    data = {
        "user": edc.pk,
        "name": "Rave",
        "acts": ["read", "facts:write"],
        "language": "en",
        "trial": "",
        "site": "",
    }
    page = client.post(reverse("admin:trials_apitoken_add"), data, follow=True)
    token = ApiToken.objects.get()
    assert token.acts == [ApiAct.READ, ApiAct.FACTS]
    assert "The token, shown only now" in page.content.decode()
    chosen = {"action": "rotate", "_selected_action": [token.pk]}
    page = client.post(reverse("admin:trials_apitoken_changelist"), chosen, follow=True)
    assert "The token, shown only now" in page.content.decode()
    assert ApiToken.objects.get(replaces=token).acts == token.acts


def test_roles_are_as_before_for_people(edc: User) -> None:
    assert edc.narrowed_to == (None, None)
    assert Membership.objects.get(user=edc).role == Role.DATA_MANAGER
    assert Membership.objects.get(user=edc).starts_on == TODAY
