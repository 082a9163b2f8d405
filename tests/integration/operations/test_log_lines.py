"""A line of the log says of what request or task it is, and holds nothing secret, as text or as JSON."""

from __future__ import annotations

import json
import logging

import pytest
from django.test import Client

from config.error_reports import without_words
from config.logs import CONTEXT, JsonFormatter, RouteInsteadOfPath

pytestmark = pytest.mark.django_db
SECRET = "s3cretOfACalendar" + "x" * 26


def written(record: logging.LogRecord) -> dict[str, object]:
    RouteInsteadOfPath().filter(record)
    line: dict[str, object] = json.loads(JsonFormatter().format(record))
    return line


@pytest.fixture
def requests_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "dayzero.requests")
    return caplog


def test_a_request_leaves_one_line_with_its_route_and_no_address(
    client: Client, requests_logged: pytest.LogCaptureFixture
) -> None:
    client.get(f"/calendar/{SECRET}.ics?{SECRET}", headers={"X-Request-ID": "abcdef-12345678"})
    (record,) = [one for one in requests_logged.records if one.name == "dayzero.requests"]
    line = written(record)
    assert (line["method"], line["route"], line["status"], line["level"]) == ("GET", "feed", 404, "INFO")
    assert SECRET not in json.dumps(line)
    assert isinstance(line["milliseconds"], float)


def test_all_lines_of_a_request_carry_its_number(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    lines: list[dict[str, object]] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(written(record))

    handler, logger = Keeping(), logging.getLogger()
    caplog.set_level(logging.INFO, "dayzero.requests")
    logger.addHandler(handler)
    try:
        client.get("/no-such-page/", headers={"X-Request-ID": "abcdef-12345678"})
        client.get("/no-such-page/", headers={"X-Request-ID": f"/calendar/{SECRET}.ics"})
    finally:
        logger.removeHandler(handler)
    numbers = [
        line.get("request") for line in lines if line["logger"] in {"django.request", "dayzero.requests"}
    ]
    assert len(numbers) == 4
    assert numbers[:2] == ["abcdef-12345678"] * 2
    assert numbers[2] == numbers[3] != numbers[0], "what is no number gets one of ours"
    assert SECRET not in json.dumps(lines)


def test_probes_that_are_well_leave_no_line(
    client: Client, requests_logged: pytest.LogCaptureFixture
) -> None:
    client.get("/health/live/")
    assert [one for one in requests_logged.records if one.name == "dayzero.requests"] == []


def test_a_json_line_names_an_exception_without_its_words() -> None:
    logger = logging.getLogger("dayzero.test")
    try:
        raise ValueError("Key (subject_code)=(S-0042) already exists")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
        record = logger.makeRecord("dayzero.test", logging.ERROR, __file__, 1, "not saved", (), info)
    token = CONTEXT.set({"task": "schedules.tasks.sweep", "task_id": "1"})
    line = written(record)
    CONTEXT.reset(token)
    assert "S-0042" not in json.dumps(line)
    assert line["errors"][0]["type"] == "builtins.ValueError"  # type: ignore[index]
    assert line["task"] == "schedules.tasks.sweep"


def test_a_report_of_an_error_holds_where_and_of_which_kind_and_nothing_else() -> None:
    event = {
        "event_id": "1",
        "level": "error",
        "request": {"url": f"https://x/calendar/{SECRET}.ics", "cookies": SECRET, "headers": {"a": SECRET}},
        "breadcrumbs": {"values": [{"message": SECRET}]},
        "logentry": {"message": SECRET, "params": [SECRET]},
        "extra": {"sys.argv": [SECRET]},
        "user": {"id": SECRET},
        "exception": {
            "values": [
                {
                    "type": "ValueError",
                    "value": SECRET,
                    "stacktrace": {"frames": [{"function": "f", "lineno": 3, "vars": {"token": SECRET}}]},
                }
            ]
        },
    }
    report = without_words(event, None)
    assert SECRET not in json.dumps(report)
    assert report["exception"]["values"][0]["type"] == "ValueError"
    assert report["exception"]["values"][0]["stacktrace"]["frames"] == [{"function": "f", "lineno": 3}]
