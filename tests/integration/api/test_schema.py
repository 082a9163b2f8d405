"""The schema keeps what it promises, and the documentation needs nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import schemathesis
import time_machine
from django.core.cache import cache as remembered
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.checks import positive_data_acceptance

from config.wsgi import application
from schedules.api.schema_words import ANSWERS, BODIES, PROBLEM
from schedules.services.enrolment.enrolling import enrol
from tests.cast import NOW, TODAY, an_enrolment
from trials.models import ApiAct, User
from trials.services.accounts.memberships import grant_membership
from trials.services.accounts.tokens import TokenScope, issue_api_token

pytestmark = pytest.mark.django_db
PATHS = {
    "/api/v1/trials": "get",
    "/api/v1/trials/{trial}": "get",
    "/api/v1/trials/{trial}/export": "get",
    "/api/v1/trials/{trial}/sdtm/sv": "get",
    "/api/v1/trials/{trial}/sdtm/tv": "get",
    "/api/v1/site-periods": "get",
    "/api/v1/site-periods/{id}": "get",
    "/api/v1/sites": "get",
    "/api/v1/activities": "get",
    "/api/v1/anchors": "get",
    "/api/v1/cohorts": "get",
    "/api/v1/course-steps": "get",
    "/api/v1/day-zero": "get",
    "/api/v1/facts": "get",
    "/api/v1/participants/{id}/course": "get",
    "/api/v1/participants/{id}/day-zero": "get",
    "/api/v1/participants/{id}/replanning": "post",
    "/api/v1/protocol-versions": "get",
    "/api/v1/protocol-versions/{id}": "get",
    "/api/v1/protocol-versions/{id}/schedule": "get",
    "/api/v1/protocol-windows": "get",
    "/api/v1/visits": "get patch",
    "/api/v1/visits/{id}": "get patch",
    "/api/v1/changes": "get",
    "/api/v1/deviations": "get",
    "/api/v1/differences": "get",
    "/api/v1/differences/{id}/settlement": "post",
    "/api/v1/edc-maps": "get",
    "/api/v1/edc-maps/{trial}/{edc}/{environment}": "get put",
    "/api/v1/edc-maps/{trial}/{edc}/{environment}/odm": "get post",
    "/api/v1/flags": "get",
    "/api/v1/participants": "get",
    "/api/v1/participants/{id}": "get",
    "/api/v1/participants/{id}/anchors": "post",
    "/api/v1/participants/{id}/facts": "post",
    "/api/v1/participants/{id}/history": "post",
    "/api/v1/webhooks": "get post",
    "/api/v1/webhooks/{id}": "delete get patch",
    "/api/v1/webhooks/{id}/messages": "get",
    "/api/v1/webhooks/{id}/replay": "post",
    "/api/v1/webhooks/{id}/secret": "post",
    "/api/v1/participants/{id}/rescreening": "post",
}
FEW, MANY = 8, 40
"""How many requests are made up for each operation, in every lane and in `make test-long`."""
WRITES = TokenScope(acts=ApiAct.values)


@cache
def described() -> Any:
    """The schema, made and read once."""
    return schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)


@pytest.fixture
def reader(role: str) -> Iterator[dict[str, str]]:
    """The header of somebody: who records, who only looks, and to whom no participant is shown."""
    remembered.clear()
    # as Django's own test client does: the test's transaction outlives a request
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    with time_machine.travel(NOW, tick=False):
        enrol(enrolment=an_enrolment(), by=None)
        user = User.objects.create_user("edc")
        grant_membership(user=user, role=role, starts_on=TODAY, by=None)
        token = issue_api_token(user=user, name="EDC", scope=WRITES)[1]
        # schemathesis reads what WSGI gives it as it is
        yield {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize(
    ("role", "examples"),
    [
        ("data_manager", FEW),
        *(
            pytest.param(role, MANY, marks=pytest.mark.long)
            for role in ("data_manager", "monitor", "administrator")
        ),
    ],
)
@pytest.mark.parametrize(
    ("path", "method"), [(path, method) for path, methods in PATHS.items() for method in methods.split()]
)
def test_answers_are_as_the_schema_says(
    reader: dict[str, str], path: str, method: str, examples: int
) -> None:
    """Whatever is asked, by schemathesis; its own fixtures do not work with this pytest."""

    @given(case=described()[path][method.upper()].as_strategy())
    @settings(max_examples=examples, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    def asked(case: schemathesis.Case) -> None:
        remembered.clear()  # each case is also sent with a wrong token, and 20 of those are answered 429
        # a cursor, a code, two days in the wrong order: well formed and refused all the same
        case.call_and_validate(headers=reader, excluded_checks=[positive_data_acceptance])

    asked()


def test_the_schema_has_each_endpoint_and_no_other() -> None:
    answer = Client().get("/api/v1/schema/", headers={"accept": "application/vnd.oai.openapi+json"})
    document = answer.json()
    assert document["openapi"].startswith("3.")
    assert {path: " ".join(sorted(methods)) for path, methods in document["paths"].items()} == PATHS
    for path in document["paths"].values():
        for method in path.values():
            assert {"400", "401", "403", "404", "406", "429"} <= set(method["responses"])
            assert {"token": []} in method["security"]


def test_the_documentation_loads_nothing_from_elsewhere_and_nothing_inline() -> None:
    answer = Client().get("/api/v1/docs/")
    page = answer.content.decode()
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(sources) >= 4
    assert all(source.startswith("/") and not source.startswith("//") for source in sources)
    assert "<style" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert "unsafe" not in answer["Content-Security-Policy"]
    script = Client().get(sources[-1].replace("&amp;", "&"))
    assert script.status_code == 200
    assert script["Content-Type"].startswith("application/javascript")
    assert b"SwaggerUIBundle" in script.content


def test_every_field_and_parameter_is_described() -> None:
    document = Client().get("/api/v1/schema/", headers={"accept": "application/vnd.oai.openapi+json"}).json()
    silent = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, said in schema.get("properties", {}).items()
        if not said.get("description")
    ]
    silent += [
        f"{method} {path} {parameter['name']}"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for parameter in operation.get("parameters", ())
        if not parameter.get("description")
    ]
    assert not silent


def test_the_examples_are_what_the_schema_says() -> None:
    document = Client().get("/api/v1/schema/", headers={"accept": "application/vnd.oai.openapi+json"}).json()
    contents = [
        content
        for methods in document["paths"].values()
        for operation in methods.values()
        for content in (
            *(
                operation["responses"].get(status, {}).get("content", {}).get("application/json", {})
                for status in ("200", "201")
            ),
            operation.get("requestBody", {}).get("content", {}).get("application/json", {}),
        )
        if "example" in content
    ]
    assert len(contents) == len(ANSWERS) + len(BODIES)
    for content in contents:
        Draft202012Validator({**content["schema"], "components": document["components"]}).validate(
            content["example"]
        )
    problem = document["components"]["schemas"]["Problem"]
    Draft202012Validator({**problem, "components": document["components"]}).validate(PROBLEM)


def test_the_schema_comes_in_the_format_that_is_asked_for() -> None:
    """As docs/edc.md has it: a file for a generator, by its address alone."""
    found = Client().get("/api/v1/schema/?format=json")
    assert found.json()["openapi"] == "3.1.1"
    assert Client().get("/api/v1/schema/?format=yaml").content.startswith(b"openapi: 3.1.1")
    assert Client().get("/api/v1/schema/").content.startswith(b"openapi: 3.1.1")
    for query in ("format=pdf", "format=", "format=json&format=yaml", "colour=red"):
        wrong = Client().get(f"/api/v1/schema/?{query}")
        assert (wrong.status_code, wrong["Content-Type"]) == (400, "application/problem+json")
