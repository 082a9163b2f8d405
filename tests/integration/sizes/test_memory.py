"""An export of any size takes under 30 MB more than the process had: measured in a process of its own.

Each is made once small, so that all that it imports is there; then whole, and the peak of the resident
memory (VmHWM, reset before) is held against what stood before.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
MOST_MB = 30
ROWS = 150_000
PEOPLE = 3_000
"""As many as a laptop fills in a minute; each has about thirty visits with their windows and trail."""


@pytest.mark.long
@pytest.mark.parametrize("form", ["csv", "workbook", "archive"])
def test_a_table_of_any_length_is_written_as_it_comes(form: str) -> None:
    found = _measured("formats", form)
    assert found["grown"] < MOST_MB, found


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        *("deviations.csv", "deviations.xlsx", "enrolment-log.csv", "enrolment-log.xlsx"),
        *("screening-log.csv", "trail.csv", "trial.zip", "trial.ndjson", "sdtm-sv.csv", "sdtm-tv.csv"),
        "odm.xml",
    ],
)
def test_an_export_of_three_thousand_people_is_not_held_in_memory(name: str, crowd: str) -> None:
    found = _measured("database", name, DATABASE_URL=crowd)
    assert found["grown"] < MOST_MB, found


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An SQLite file with three thousand people, one trial and one reader of all of it."""
    file = tmp_path_factory.mktemp("crowd") / "crowd.sqlite3"
    url = f"sqlite:///{file}"
    _measured("fill", str(PEOPLE), DATABASE_URL=url)
    return url


def _measured(what: str, name: str, **more: str) -> dict[str, Any]:
    given = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.development", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", __file__, what, name]
    done = subprocess.run(command, cwd=ROOT, env=given | more, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    print(name, done.stdout.splitlines()[-1])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


@contextmanager
def _watched() -> Iterator[dict[str, float]]:
    """Say by how many MB the peak within the block lies above what there was before it."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before, found = _status("VmRSS"), {"before": 0.0, "grown": 0.0}
    yield found
    found |= {"before": round(before, 1), "grown": round(_status("VmHWM") - before, 1)}


def _rows(count: int) -> Iterator[tuple[Any, ...]]:
    return ((f"S01-{n:06}", n, f"a reason of participant {n}", "2026-11-29", None) for n in range(count))


def _formats(form: str) -> Callable[[int], int]:
    from datetime import UTC, datetime

    from trials.formats.exports.archive import Archive, Made
    from trials.formats.exports.tables import csv_lines
    from trials.formats.exports.workbook import write_workbook

    heads = ["Participant", "Number", "Reason", "On", "Nothing"]

    def make(count: int) -> int:
        with TemporaryFile() as to:
            if form == "csv":
                to.writelines(line.encode() for line in csv_lines([], heads, _rows(count)))
            elif form == "workbook":
                write_workbook(to, [], heads, _rows(count))
            else:
                with Archive(to, Made("Dayzero", "1", "somebody", datetime.now(UTC))) as archive:
                    archive.table("table", heads, _rows(count))
            return to.tell()

    return make


def _fill(people: int) -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    import time_machine

    from schedules.models import Deviation, Visit
    from schedules.services.enrolment.bulk import bulk_enrol
    from tests.cast import NOW, TODAY, a_version, an_enrolment
    from trials.models import User
    from trials.services.accounts.memberships import grant_membership

    with time_machine.travel(NOW):
        version = a_version("NCT07274059")
        one = an_enrolment(version)
        from dataclasses import replace

        bulk_enrol(
            enrolments=[replace(one, subject_code=f"S01-{number:05}") for number in range(people)], by=None
        )
        Deviation.objects.bulk_create(
            Deviation(
                participant_id=visit.participant_id,
                visit=visit,
                protocol_version=version,
                key=f"by-hand:{visit.pk}:1",
                kind="manual",
                occurred_on=TODAY,
                found_on=TODAY,
                facts=f"What was found of visit {visit.pk}.",
            )
            for visit in Visit.objects.order_by("pk")[: 6 * people]
        )
        _know_in_an_edc(version.trial, people)
        chief = User.objects.create_superuser("chief", password="a long and made-up one")
        grant_membership(user=chief, role="data_manager", starts_on=TODAY, by=None)


def _know_in_an_edc(trial: Any, people: int) -> None:
    """Name all of a trial in an EDC, and let all visits be done."""
    from django.db.models import F

    from schedules.models import Visit
    from schedules.services.exchange.maps import MapContent, MapKey, name_subjects, save_map

    rules = Visit.objects.order_by().values_list("rule_code", flat=True).distinct()
    where = {"form_oid": "SV", "item_group_oid": "SV", "date_item_oid": "SV.SVSTDAT"}
    events = [{"visit": code, "event_oid": code.upper(), **where} for code in rules]
    key = MapKey(trial, "rave", "live")
    edc_map = save_map(key=key, version=None, content=MapContent("CART", {}, events), by=None)
    names = {f"S01-{number:05}": f"101-{number:05}" for number in range(people)}
    name_subjects(edc_map=edc_map, names=names, by=None)
    Visit.objects.update(performed_on=F("target"))


def _database(name: str) -> Callable[[int], int]:
    import time_machine
    from django.test import Client
    from django.urls import reverse

    from tests.cast import NOW, show_who_one_is
    from trials.models import Trial, User
    from trials.services.accounts.tokens import issue_api_token

    time_machine.travel(NOW).start()
    chief, trial = User.objects.get(username="chief"), Trial.objects.get()
    client = Client(SERVER_NAME="localhost", headers={"accept-encoding": "identity"})
    stem, _dot, form = name.rpartition(".")
    api = f"/api/v1/trials/{trial.code}"
    addresses = {
        "trail": reverse("trail-export"),
        "trial.zip": reverse("trial-export", args=[trial.pk]),
        "trial.ndjson": f"{api}/export",
        "sdtm-sv": f"{api}/sdtm/sv?format=csv",
        "sdtm-tv": f"{api}/sdtm/tv?format=csv",
        "odm": f"/api/v1/edc-maps/{trial.code}/rave/live/odm",
    }
    address = addresses.get(name) or addresses.get(stem) or reverse(f"{stem}-export", args=[form])
    more: dict[str, Any] = {}
    if address.startswith("/api/"):
        token = issue_api_token(user=chief, name="EDC")[1]
        more = {"headers": {"authorization": f"Bearer {token}"}}
    else:
        client.force_login(chief)
        show_who_one_is(client)

    def make(few: int) -> int:
        joint = "&" if "?" in address else "?"
        narrow = f"{joint}q=S01-00001" if few and name.split(".", maxsplit=1)[0].endswith("log") else ""
        answer = client.get(address + narrow, **more)
        assert answer.status_code == 200, (answer.status_code, address)
        if not answer.streaming:
            return len(answer.content)
        return sum(map(len, answer.streaming_content))

    return make


def main(what: str, name: str) -> None:
    """Fill, or measure one export, and print what was found as the last line."""
    import django

    if what != "formats":
        django.setup()
    if what == "fill":
        _fill(int(name))
        print(json.dumps({}))
        return
    make = _formats(name) if what == "formats" else _database(name)
    make(100) if what == "formats" else None
    BytesIO().close()
    with _watched() as found:
        size = make(ROWS if what == "formats" else 0)
    print(json.dumps(found | {"bytes": size}))


if __name__ == "__main__":
    main(*sys.argv[1:])
