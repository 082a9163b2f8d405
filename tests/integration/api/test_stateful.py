"""What three roles ask in any order, ids of answers taken up: no server error, no answer outside the schema.

Reads and writes follow each other on one record: each request takes ids, versions and cursors from what was
answered before, as a program does. `make contract` asks a hundred thousand times.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import schemathesis
import time_machine
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from config.wsgi import application
from participants.models import Participant
from schedules.models import Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.exchange.maps import MapContent, MapKey, save_map
from tests.cast import NOW, TODAY, an_enrolment
from trials.models import ApiAct
from trials.services.accounts.clients import ClientTerms, open_client

pytestmark = [pytest.mark.django_db, pytest.mark.long]
REQUESTS = int(os.environ.get("DAYZERO_REQUESTS", "2000"))
ROLES = {
    "records": list(ApiAct.values),
    "reads": [ApiAct.READ.value],
    "manages": [ApiAct.READ.value, ApiAct.WEBHOOKS.value, ApiAct.MAP.value],
}


@pytest.fixture(params=ROLES)
def header(request: pytest.FixtureRequest, settings: Any) -> Iterator[dict[str, str]]:
    """The header of a client with these acts."""
    cache.clear()
    settings.OUTBOUND_NETWORKS = ["127.0.0.0/8"]
    with time_machine.travel(NOW, tick=False):
        person = enrol(enrolment=an_enrolment(), by=None)
        enrol(enrolment=an_enrolment(person.protocol_version, subject_code="S01-002"), by=None)
        key = MapKey(person.trial, "rave", "live")
        save_map(
            key=key,
            version=None,
            content=MapContent("CART", {}, [{"visit": "d28", "event_oid": "D28"}]),
            by=None,
        )
        terms = ClientTerms(acts=ROLES[request.param])
        client, secret = open_client(name="edc", terms=terms, today=TODAY, now=NOW, by=None, reason="EDC.")
        form = f"grant_type=client_credentials&client_id={client.client_id}&client_secret={secret}"
        kind = "application/x-www-form-urlencoded"
        given_out = Client().post("/api/v1/oauth/token", form, content_type=kind).json()
        # after Django's own client, which connects it again
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)
        yield {"Authorization": f"Bearer {given_out['access_token']}", "Accept-Encoding": "identity"}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


class Known:
    """What answers have named so far: what the next requests are about."""

    def __init__(self) -> None:
        self.draw = random.Random(19)
        self.ids: dict[str, list[int]] = {
            "visits": list(Visit.objects.values_list("pk", flat=True)),
            "participants": list(Participant.objects.values_list("pk", flat=True)),
            "protocol-versions": list(Participant.objects.values_list("protocol_version", flat=True)),
            "webhooks": [],
            "differences": [],
        }
        self.tags: dict[str, str] = {}
        self.cursors: list[str] = []

    def fill(self, case: schemathesis.Case) -> None:
        """Take up what is known, three times in four."""
        if self.draw.random() < 0.25:
            return
        parts = case.operation.path.strip("/").split("/")
        resource = parts[2] if len(parts) > 2 else ""
        parameters: dict[str, Any] = case.path_parameters or {}
        if "id" in parameters and self.ids.get(resource):
            parameters["id"] = self.draw.choice(self.ids[resource])
        for name, value in (("trial", "CART-SLE"), ("edc", "rave"), ("environment", "live")):
            if name in parameters:
                parameters[name] = value
        case.path_parameters = parameters or case.path_parameters
        headers = case.headers
        if headers is not None and "If-Match" in headers:
            tag = self.tags.get(case.operation.path.format(**parameters))
            headers["If-Match"] = tag or headers["If-Match"]
        if headers is not None and "Idempotency-Key" in headers:
            headers["Idempotency-Key"] = str(UUID(int=self.draw.getrandbits(128)))
        if case.query and "cursor" in case.query and self.cursors:
            case.query["cursor"] = self.draw.choice(self.cursors)

    def learn(self, case: schemathesis.Case, response: Any) -> None:
        """Keep ids, tags and cursors of an answer."""
        tag = response.headers.get("etag")
        if tag:
            self.tags[case.operation.path.format(**(case.path_parameters or {}))] = tag[0]
        kind = str(response.headers.get("content-type"))
        if response.status_code not in (200, 201) or "json" not in kind or "ndjson" in kind:
            return
        document = response.json()
        if not isinstance(document, dict):
            return
        self.cursors += [document[name] for name in ("cursor", "next_cursor") if document.get(name)]
        resource = case.operation.path.strip("/").split("/")[2]
        rows = [one for one in document.get("results", ()) if isinstance(one, dict)]
        rows += [document["webhook"]] if "webhook" in document else []
        known = self.ids.get(resource)
        if known is not None:
            known += [one["id"] for one in rows if isinstance(one.get("id"), int) and one["id"] not in known]


def test_whatever_is_asked_in_whatever_order(header: dict[str, str]) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)
    operations = [one.ok() for one in schema.get_all_operations()]
    known, asked = Known(), Counter[str]()

    @given(case=st.sampled_from(operations).flatmap(lambda one: one.as_strategy()))
    @settings(
        max_examples=max(1, REQUESTS // len(ROLES)),
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
        deadline=None,
    )
    def ask(case: schemathesis.Case) -> None:
        cache.clear()
        known.fill(case)
        if case.query and "wait" in case.query:
            case.query["wait"] = 0  # it would only take the time
        response = case.call(headers={**(case.headers or {}), **header})
        asked[str(response.status_code)] += 1
        assert response.status_code < 500, (case.as_curl_command(), response.content)
        case.validate_response(response, excluded_checks=[positive_data_acceptance, ignored_auth])
        known.learn(case, response)

    ask()
    print(sum(asked.values()), "requests", dict(sorted(asked.items())))
    assert asked["200"] > 0
