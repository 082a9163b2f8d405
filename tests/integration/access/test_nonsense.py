"""Nonsense in an address or a body is answered in words: never by an error of the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from axes.models import AccessFailureLog
from django.contrib import admin
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from participants.models import Participant
from schedules.services.enrolment.enrolling import enrol
from tests.cast import NOW, a_site, an_enrolment, show_who_one_is
from trials.models import AuditEntry, Export, User
from trials.services.accounts.tokens import issue_api_token

pytestmark = pytest.mark.django_db
NUMBERS = ["abc", "", "-1", "9" * 25, "1.5", "\0", "١"]
DEEP = "[" * 100_000
JSONS = [DEEP, '{"a":' * 50_000, "[]", "1", '"x"', "null", "{}", '{"id": [[]]}', '{"response": 1}', "{", "\0"]


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield
    cache.clear()


@pytest.fixture
def root(db: None) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root", password="a long enough secret"))
    show_who_one_is(client)
    return client


@pytest.fixture
def participant(db: None) -> Participant:
    return enrol(enrolment=an_enrolment(site=a_site("WH")), by=None)


def registered() -> list[Any]:
    return list(admin.site._registry.items())


ALWAYS = ("Participant",)
"""Whose lists are tried in every lane; all of them in `make test-long`."""


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(model, marks=() if model.__name__ in ALWAYS else pytest.mark.long)
        for model, _ in registered()
    ],
    ids=str,
)
def test_no_admin_action_or_page_stumbles_over_what_is_no_number(model: Any, root: Client) -> None:
    meta = model._meta
    base = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    actions = [*(admin.site._registry[model].actions or ()), "delete_selected", "no_such_action"]
    faults = []
    for number in NUMBERS:
        for action in actions:
            chosen = {"action": action, "_selected_action": [number]}
            chosen |= {"index": number, "select_across": number}
            answer = root.post(base, chosen)
            if answer.status_code >= 500:
                faults.append((action, number, answer.status_code))
        for page in ("change", "history", "delete"):
            if number:
                answer = root.get(f"{base}{number}/{page}/")
                if answer.status_code not in {403, 404}:
                    faults.append((page, number, answer.status_code))
        names = ("q", "o", "p", "e", "site__id__exact", "role", "trial", "pk__in", "_to_field")
        faults += [
            (path, name, number)
            for path in (base, f"{base}add/")
            for name in (names if path == base else ("site", "_to_field"))
            if root.get(path, {name: number}).status_code >= 500
        ]
    assert not faults


def test_an_action_on_nonsense_says_what_was_given(root: Client) -> None:
    answer = root.post(
        "/admin/trials/apitoken/", {"action": "revoke", "_selected_action": ["abc"]}, follow=True
    )
    assert answer.status_code == 200
    assert "“abc” is no record of this list" in answer.content.decode()


@pytest.mark.parametrize("body", JSONS, ids=lambda body: body[:12])
def test_json_that_is_none_of_a_passkey_is_refused(body: str, root: Client) -> None:
    stranger = Client(raise_request_exception=False)
    for client, name in (
        (stranger, "mfa_login_webauthn"),
        (root, "mfa_reauthenticate_webauthn"),
        (root, "mfa_add_webauthn"),
        (stranger, "mfa_authenticate"),
    ):
        client.get(reverse(name))
        answer = client.post(reverse(name), {"credential": body, "name": "x"})
        assert answer.status_code < 500, (name, answer.status_code)


@pytest.mark.parametrize("body", JSONS, ids=lambda body: body[:12])
def test_json_to_the_api_is_refused(body: str, participant: Participant) -> None:
    _token, key = issue_api_token(user=User.objects.create_superuser("edc"), name="EDC")
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {key}"})
    for path in (reverse("api-visits"), reverse("api-participant", args=[participant.pk])):
        for method in ("post", "put", "patch", "delete", "generic"):
            arguments = (path, body)
            if method == "generic":
                answer = client.generic("OPTIONS", *arguments, content_type="application/json")
            else:
                answer = getattr(client, method)(*arguments, content_type="application/json")
            assert answer.status_code < 500
    assert client.get(reverse("api-visits"), {"cursor": DEEP[:5000]}).status_code == 400


def test_a_sign_in_that_failed_is_deleted_by_nobody() -> None:
    Client().post(reverse("login"), {"login": "nobody", "password": "wrong"})
    assert AccessFailureLog.objects.exists()
    for act in (
        AccessFailureLog.objects.all().delete,
        AccessFailureLog.objects.get().delete,
        lambda: AccessFailureLog.objects.update(username="somebody else"),
        lambda: connection.cursor().execute("DELETE FROM axes_accessfailurelog"),
    ):
        with pytest.raises(IntegrityError, match="stays on record"), transaction.atomic():
            act()
    assert AccessFailureLog.objects.get().username == "nobody"


def exports() -> list[tuple[str, str, str, int]]:
    entries = AuditEntry.objects.filter(model="trials.export", action="create").order_by("id")
    said = [(entry.actor, json.loads(entry.new)) for entry in entries]
    return [(actor, new["what"], new["form"], new["rows"]) for actor, new in said]


def test_each_export_stands_in_the_trail_with_who_what_and_how_many(
    root: Client, participant: Participant
) -> None:
    trial = participant.trial
    paths = {
        reverse("trail-export"): ("audit trail", "csv"),
        reverse("trail-record-export", args=["participants.participant", participant.pk]): (
            f"participants.participant {participant.pk} and its audit trail",
            "csv",
        ),
        reverse("memberships-export"): ("who has or had access when", "csv"),
        reverse("trial-export", args=[trial.pk]): (f"trial {trial.code}", "zip"),
    }
    for path, (what, form) in paths.items():
        answer = root.get(path)
        assert answer.status_code == 200, path
        assert exports()[-1][:3] == ("root", what, form)
        assert exports()[-1][3] > 0
    with pytest.raises(IntegrityError, match="stays on record"), transaction.atomic():
        Export.objects.all().delete()


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("log", ["screening-log", "enrolment-log", "deviations"])
def test_each_log_that_leaves_stands_in_the_trail(
    log: str, form: str, root: Client, participant: Participant
) -> None:
    assert root.get(reverse(f"{log}-export", args=[form])).status_code == 200
    assert exports()[-1][2] == form
    assert exports()[-1][3] == (1 if log == "screening-log" else 0)


def test_the_export_of_a_frozen_trial_is_recorded_too(root: Client, participant: Participant) -> None:
    from trials.models import Trial

    Trial.objects.filter(pk=participant.trial_id).update(frozen_on=NOW.date())
    assert root.get(reverse("trial-export", args=[participant.trial_id])).status_code == 200
    assert exports()[-1][2] == "zip"


@pytest.mark.parametrize(
    "address",
    [
        *("/people/?name=", "/people/failures/?name=", "/participants/?q=", "/deviations/?q="),
        *("/logs/screening/?q=", "/logs/enrolment/?q=", "/differences/?q=", "/find/?q="),
    ],
)
def test_a_zero_byte_is_looked_for_and_not_found(
    root: Client, participant: Participant, address: str
) -> None:
    """PostgreSQL takes it in no text: seven lists answered 500."""
    assert root.get(f"{address}a%00b").status_code in (200, 400)
