"""A typed client made from the schema speaks with the API: lists, one visit, a change, a refusal."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client

from config.wsgi import application
from participants.models import Participant
from schedules.models import Visit
from tests.cast import NOW, TODAY
from trials.models import ApiAct, User
from trials.services.accounts.tokens import TokenScope, issue_api_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package that openapi-python-client makes of our schema."""
    schema = Client().get("/api/v1/schema/", headers={"accept": "application/vnd.oai.openapi+json"})
    (tmp_path / "schema.json").write_bytes(schema.content)
    program = Path(sys.executable).with_name("openapi-python-client")
    done = subprocess.run(
        [program, "generate", "--path", "schema.json", "--output-path", "dayzero_client", "--meta", "none"],
        cwd=tmp_path,
        env={"PATH": f"{program.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("dayzero_client")
    for name in [name for name in sys.modules if name.split(".")[0] == "dayzero_client"]:
        del sys.modules[name]


def test_a_generated_client_reads_records_and_is_refused(
    made: Any, participant: Participant, edc: User
) -> None:
    token = issue_api_token(user=edc, name="EDC", scope=TokenScope(acts=ApiAct.values))[1]
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)  # the test's transaction outlives a request
    try:
        transport = httpx.WSGITransport(app=application)
        http = httpx.Client(
            base_url="http://testserver",
            transport=transport,
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"},
        )
        client = made.AuthenticatedClient(base_url="http://testserver", token=token).set_httpx_client(http)
        visits = importlib.import_module("dayzero_client.api.visits")
        for name in ("visits_list", "visits_retrieve", "visits_report"):
            importlib.import_module(f"dayzero_client.api.visits.{name}")
        models = importlib.import_module("dayzero_client.models")
        page = visits.visits_list.sync(client=client)
        assert len(page.results) == Visit.objects.count()
        assert page.changes_cursor
        open_now = next(one for one in page.results if one.opens <= TODAY <= one.closes)
        report = models.PatchedVisitReport.from_dict(
            {"performed": {"on": TODAY.isoformat(), "accept_orphans": True}, "reason": "Entered."}
        )
        answer = visits.visits_report.sync_detailed(
            open_now.id, client=client, body=report, if_match=f'"{open_now.version}"'
        )
        assert answer.status_code == 200, answer.content
        assert answer.parsed.performed_on == TODAY
        stale = visits.visits_report.sync_detailed(open_now.id, client=client, body=report, if_match='"1"')
        assert (stale.status_code, stale.parsed.code) == (412, "stale")
        assert NOW.year == 2026
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)
