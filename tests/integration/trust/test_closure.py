"""A trial at its end: frozen, archived, exported, kept."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from datetime import date, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from participants.models import Anchor, Consent, Participant
from schedules.domain.visits.values import Booking
from schedules.models import AmendmentRun, CalendarFeed, Flag, Visit
from schedules.services.deviations.classification import sweep_unrecorded
from schedules.services.enrolment.enrolling import enrol
from schedules.services.feeds.subscriptions import open_feed, revoke_feed
from schedules.services.reminders.sweeping import sweep_closing
from schedules.services.visits.appointments import book_visit
from schedules.services.windows.evaluation import sweep_windows
from tests.cast import NOW, TODAY, a_site, a_version, an_enrolment
from trials.audit.frozen import GOES_ON, guarded_models
from trials.domain.errors import TrialFrozen
from trials.domain.release import RELEASE
from trials.models import AuditEntry, Cohort, Role, SiteApproval, Trial, TrialSite
from trials.selectors.protocols.closure import APPS, PATHS
from trials.services.accounts.memberships import grant_membership
from trials.services.protocols.closure import (
    ClosureRefused,
    archive_trial,
    export_trial,
    freeze_trial,
    open_trial,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def frozen(participant, coordinator) -> Participant:
    """Somebody of a trial that is frozen."""
    freeze_trial(trial=participant.trial, today=TODAY, by=coordinator, reason="last visit done")
    return participant


WRITES = {
    "a visit's day": lambda p: Visit.objects.filter(participant=p).update(performed_on=TODAY),
    "an anchor": lambda p: Anchor.objects.create(participant=p, code="consent", actual_on=TODAY),
    "a flag": lambda p: Flag.objects.create(
        participant=p, key="k", kind="start", severity="notice", message="m", raised_at=NOW
    ),
    "the participant": lambda p: Participant.objects.filter(pk=p.pk).update(traits=["minor"]),
    "a deletion": lambda p: Visit.objects.filter(participant=p).delete(),
    "in bulk": lambda p: Visit.objects.bulk_update(Visit.objects.filter(participant=p), ["performed_on"]),
    "SQL by hand": lambda _: connection.cursor().execute("DELETE FROM participants_anchor"),
    "a cohort": lambda p: Cohort.objects.create(trial=p.trial, code="late", label="Late", position=99),
    "an approval at a site": lambda p: SiteApproval.objects.filter(
        protocol_version__trial=p.trial).update(reference="EC-other"),
    "an amendment": lambda p: AmendmentRun.objects.create(
        from_version=p.protocol_version, to_version=p.protocol_version, reason="late", started_at=NOW),
    "the trial's title": lambda p: Trial.objects.filter(pk=p.trial_id).update(title="Other"),
    "the trial": lambda p: connection.cursor().execute(
        f"DELETE FROM trials_trial WHERE id = {p.trial_id}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_nothing_of_a_frozen_trial_is_written_whoever_sends_it(frozen, write) -> None:
    before = AuditEntry.objects.count()
    with pytest.raises(DatabaseError, match=r"is frozen|not deleted"), transaction.atomic():
        write(frozen)
    assert AuditEntry.objects.count() == before


def test_every_service_refuses_a_frozen_trial_in_words(frozen, version, site) -> None:
    visit = Visit.objects.get(participant=frozen, code="d28")
    with pytest.raises(TrialFrozen, match="no longer changed"):
        book_visit(
            visit=visit, version=visit.version, booking=Booking(date(2027, 1, 4)), by=None, reason="", now=NOW
        )
    with pytest.raises(TrialFrozen, match="no longer changed"):
        enrol(enrolment=an_enrolment(version, site=site, subject_code="S01-002"), by=None)


def test_other_trials_access_signatures_and_calendars_go_on(frozen, coordinator, site) -> None:
    other = enrol(enrolment=an_enrolment(a_version("NCT07274059"), site=a_site("BJ")), by=None)
    Visit.objects.filter(participant=other).update(performed_on=None)
    grant_membership(
        user=coordinator, role=Role.MONITOR, starts_on=TODAY, by=None, trial=frozen.trial, reason="audit"
    )
    feed, _token = open_feed(owner=coordinator, participant=frozen, now=NOW)
    revoke_feed(feed=feed, now=NOW)
    assert CalendarFeed.objects.get().revoked_at == NOW


def test_a_new_table_of_a_trials_records_is_guarded_from_the_start() -> None:
    guarded = {model for app in ("trials", "participants", "schedules")
               for model, _path in guarded_models(apps.get_app_config(app))}  # fmt: skip
    assert {Participant, Anchor, Consent, Visit, Flag, Cohort} <= guarded
    left = {
        model._meta.label_lower
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in APPS
        and getattr(model, "audited", True)
        and (PATHS.keys() - {"site"}) & {field.name for field in model._meta.concrete_fields}
        and model not in guarded
    }
    assert left <= GOES_ON, "whatever else belongs to a trial is guarded"


def test_a_frozen_trial_is_opened_for_a_reason_and_an_archived_one_never(frozen, coordinator) -> None:
    trial = frozen.trial
    with pytest.raises(ClosureRefused, match="kept in the audit trail"):
        open_trial(trial=trial, by=coordinator, reason="")
    open_trial(trial=trial, by=coordinator, reason="a late query")
    Visit.objects.filter(participant=frozen, code="d28").update(booked_on=TODAY)
    with pytest.raises(ClosureRefused, match="after it was frozen"):
        archive_trial(trial=trial, today=TODAY, by=coordinator, reason="x")
    freeze_trial(trial=trial, today=TODAY, by=coordinator, reason="again")
    archive_trial(trial=trial, today=TODAY, by=coordinator, reason="close-out")
    with pytest.raises(ClosureRefused, match="never opened again"):
        open_trial(trial=trial, by=coordinator, reason="please")
    with pytest.raises(DatabaseError, match="never opened again"), transaction.atomic():
        Trial.objects.filter(pk=trial.pk).update(frozen_on=None)


def test_records_are_retained_for_as_long_as_the_setting_asks_and_none_is_purged(
    frozen, coordinator, settings
) -> None:
    trial = Trial.objects.get(pk=frozen.trial_id)
    assert trial.retain_until == date(2056, 11, 21)
    settings.RETENTION_YEARS = 2
    archived = archive_trial(
        trial=trial, today=TODAY + timedelta(days=400), by=coordinator, reason="close-out"
    )
    assert archived.retain_until == date(2056, 11, 21), "never less than was said"
    for sooner in (date(2056, 11, 20), None):
        with pytest.raises(DatabaseError, match="never kept for less long"), transaction.atomic():
            Trial.objects.filter(pk=trial.pk).update(retain_until=sooner)


def exported(trial: Trial, by: Any) -> zipfile.ZipFile:
    to = io.BytesIO()
    export_trial(trial=trial, by=by, now=NOW, to=to)
    return zipfile.ZipFile(to)


def test_export_of_record_metadata_and_trail_together(frozen, coordinator) -> None:
    file = exported(frozen.trial, coordinator)
    manifest = json.loads(file.read("manifest.json"))
    assert (manifest["software"], manifest["version"]) == ("Dayzero", RELEASE)
    assert (manifest["by"], manifest["at"]) == ("coordinator (Zhao Min)", NOW.isoformat())
    assert manifest["of"]["frozen_on"] == "2026-11-21"
    for name, said in manifest["files"].items():
        assert hashlib.sha256(file.read(name)).hexdigest() == said["sha256"], name
    visits = [json.loads(line) for line in file.read("records/schedules.visit.jsonl").splitlines()]
    assert len(visits) == Visit.objects.filter(participant=frozen).count()
    rows = list(csv.reader(io.StringIO(file.read("records/schedules.visit.csv").decode())))
    assert rows[0] == list(visits[0])
    assert len(rows) == len(visits) + 1
    columns = {
        column["name"]: column
        for column in json.loads(file.read("metadata.json"))["schedules.visit"]["columns"]
    }
    assert columns["timing_basis"]["values"] == {"stated": "stated", "assumed": "assumed"}
    trail = [json.loads(line) for line in file.read("trail/audit.jsonl").splitlines()]
    of_visits = [entry for entry in trail if entry["model"] == "schedules.visit"]
    assert len(of_visits) == len(visits)
    frozen_entry = trail[-1]
    assert (frozen_entry["model"], frozen_entry["reason"]) == ("trials.trial", "last visit done")
    assert {"trials.siteapproval", "trials.signature"} <= {entry["model"] for entry in trail}


def test_an_export_holds_no_other_trial_and_no_secret(participant, coordinator) -> None:
    other = enrol(
        enrolment=an_enrolment(a_version("NCT07274059"), site=a_site("BJ"), subject_code="S99-999"), by=None
    )
    _feed, token = open_feed(owner=coordinator, participant=participant, now=NOW)
    file = exported(participant.trial, coordinator)
    text = "".join(file.read(name).decode() for name in file.namelist())
    assert "S01-001" in text
    assert other.subject_code not in text
    assert token not in text
    assert CalendarFeed.objects.get().token_digest not in text
    assert coordinator.password not in text


def test_an_export_holds_the_sites_of_its_own_amendments_alone(
    participant, version, site, coordinator
) -> None:
    own, other = (
        AmendmentRun.objects.create(
            from_version=edition, to_version=edition, reason="amended", started_at=NOW
        )
        for edition in (version, a_version("NCT07274059"))
    )
    TrialSite.objects.get_or_create(trial=other.to_version.trial, site=site)
    for run in (own, other):
        run.sites.add(site)
    lines = (
        exported(participant.trial, coordinator)
        .read("records/schedules.amendmentrun_sites.jsonl")
        .splitlines()
    )
    assert [json.loads(line)["amendmentrun_id"] for line in lines] == [own.pk]


def test_the_release_is_that_of_the_project() -> None:
    import tomllib
    from pathlib import Path

    assert tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"] == RELEASE


def test_sweeps_pass_over_a_frozen_trial(participant, coordinator) -> None:
    later = NOW + timedelta(days=60)

    def swept() -> list[bool]:
        found = [
            sweep_closing(now=NOW, days=60),
            sweep_windows(now=later),
            sweep_unrecorded(now=later),
        ]
        return [count > 0 for count in found]

    with transaction.atomic():
        assert swept() == [True, True, True]
        transaction.set_rollback(True)
    freeze_trial(trial=participant.trial, today=TODAY, by=coordinator, reason="last visit done")
    assert swept() == [False, False, False]
