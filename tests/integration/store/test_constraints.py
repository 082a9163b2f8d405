"""What the database itself refuses, anyone who writes: said by SQL, behind the ORM and the services."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import IntegrityError, connection, transaction

from schedules.services.enrolment.enrolling import enrol
from tests.cast import TODAY, an_enrolment
from trials.models import Cohort, Membership, TrialSite, User
from trials.services.sites.working_days import record_working_days

pytestmark = pytest.mark.django_db


@pytest.fixture
def _cast() -> None:
    """Two participants, two cohorts, a membership and a working-day table, for the statements to spoil."""
    one = an_enrolment()
    for code in ("S01-001", "S01-002"):
        enrol(enrolment=replace(one, subject_code=code), by=None)
    for position, code in enumerate("AB"):
        Cohort.objects.create(trial=one.trial, code=code, label=code, position=position)
    user = User.objects.create(username="somebody")
    Membership.objects.create(user=user, role="monitor", starts_on=TODAY)
    record_working_days(site=one.site, by=None, first_year=2026, last_year=2026)


def first(table: str) -> str:
    return f"id = (SELECT min(id) FROM {table})"


D0 = "code = 'd0' AND participant_id = (SELECT min(id) FROM participants_participant)"
D14 = D0.replace("d0", "d14")
STAY = D0.replace("d0", "hospital-stay")

LATE_START = """booked_on = '2026-12-07', booked_start = '2026-12-07 03:00:00+00:00',
    booked_end = '2026-12-07 02:00:00+00:00'"""

REFUSED = [
    ("participants_participant", "subject_code = 'S01-001'", "1 = 1", "one subject code for two in a trial"),
    ("participants_anchor", "planned_on = NULL", first("participants_anchor"), "an anchor without any day"),
    (
        "participants_anchor",
        "actual_at = '2026-12-07 01:00:00+00:00'",
        first("participants_anchor"),
        "an actual hour without its day",
    ),
    (
        "participants_anchor",
        "planned_on = NULL, actual_on = '2026-12-07', planned_at = '2026-12-07 01:00:00+00:00'",
        first("participants_anchor"),
        "a planned hour without its day",
    ),
    ("schedules_visit", "opens = '2027-01-01'", D0, "a window that opens after its target"),
    ("schedules_visit", "closes = '2026-01-01'", D0, "a window that closes before its target"),
    ("schedules_visit", "target = '2099-01-01'", D14, "a target after the window"),
    ("schedules_visit", "target = NULL", D14, "a visit without a target"),
    (
        "schedules_visit",
        "rule_code = 'd0', occurrence = 1, code = 'd0'",
        D14,
        "one rule's one occurrence twice for a participant",
    ),
    (
        "schedules_visit",
        "uid = (SELECT min(uid) FROM schedules_visit)",
        "1 = 1",
        "one identifier for two events in a calendar",
    ),
    (
        "schedules_visit",
        LATE_START,
        D0,
        "a booking that ends before it begins",
    ),
    ("schedules_visit", "performed_at = '2026-12-07 02:00:00+00:00'", D0, "an hour performed without a day"),
    ("schedules_visit", "performed_on = '2026-12-07', missed_on = '2026-12-08'", D0, "performed and missed"),
    ("schedules_visit", "performed_on = '2026-12-07', cancelled_on = '2026-12-08'", D0, "and cancelled"),
    ("schedules_protocolwindow", "starts_on = '2099-01-01'", STAY, "a window that starts after its end"),
    ("schedules_protocolwindow", "code = 'hospital-stay'", "1 = 1", "one window twice for a participant"),
    ("trials_cohort", "position = 1", "1 = 1", "two dose levels in one place"),
    ("trials_cohort", "code = 'A'", "1 = 1", "two dose levels of one code"),
    ("trials_membership", "ends_on = '2026-11-20'", "1 = 1", "a role that ends before it begins"),
]


@pytest.mark.parametrize(("table", "assignments", "where", "why"), REFUSED)
@pytest.mark.usefixtures("_cast")
def test_the_database_refuses(table: str, assignments: str, where: str, why: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table} WHERE {where}")
        assert cursor.fetchone()[0] > 0, "the statement must meet a row"
        with pytest.raises(IntegrityError), transaction.atomic():
            cursor.execute(f"UPDATE {table} SET {assignments} WHERE {where}")


COPIED = [
    ("trials_trialsite", "trial_id, site_id", "a trial twice at a site"),
    (
        "trials_workingdaytable",
        "site_id, version, document, digest, note",
        "one version of a site's working days twice",
    ),
]


@pytest.mark.parametrize(("table", "columns", "why"), COPIED)
@pytest.mark.usefixtures("_cast")
def test_the_database_refuses_a_copy(table: str, columns: str, why: str) -> None:
    statement = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}"
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert TrialSite.objects.exists()


ORPHANED = [
    ("participants_participant", "its visits would hang on nobody"),
    ("trials_site", "its participants would be nowhere"),
    ("trials_trial", "its participants would be in nothing"),
]


@pytest.mark.parametrize(("table", "why"), ORPHANED)
@pytest.mark.usefixtures("_cast")
def test_the_database_refuses_to_leave_orphans(table: str, why: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        delete_all(table)


def delete_all(table: str) -> None:
    """Delete every row and let the database look at once, not at the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")
    connection.check_constraints()
