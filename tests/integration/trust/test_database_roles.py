"""The role that runs Dayzero owns nothing and cannot switch the audit trail off; the owner migrates."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from psycopg import sql

from schedules.models import Visit
from schedules.services.enrolment.enrolling import enrol
from tests.cast import an_enrolment
from trials.audit.database_roles import powers_of_this_role, warn_of_powers
from trials.models import AuditEntry, AuditLink
from trials.services.audit.sealing import seal_audit, strays

# The server is shared by the processes of a run, and so are its roles.
ROLE = "dayzero_app" + os.environ.get("PYTEST_XDIST_WORKER", "")
PASSWORD = "a/b?c@d#e%f:g h'i\"j"
postgres = pytest.mark.skipif("postgres" not in connection.vendor, reason="SQLite has no roles")


@pytest.fixture
def separated(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An existing installation turned into two roles, and back again."""
    monkeypatch.setenv("POSTGRES_APP_PASSWORD", PASSWORD)
    call_command("separate_roles", ROLE, verbosity=0)
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")


@pytest.fixture
def running(separated: None) -> Iterator[psycopg.Connection]:
    """A session of the running role, in the database of the test."""
    given = connection.get_connection_params()
    known = {name: given[name] for name in ("dbname", "host", "port") if given.get(name)}
    with psycopg.connect(**known, user=ROLE, password=PASSWORD, autocommit=True) as session:
        yield session


FORBIDDEN = [
    "ALTER TABLE schedules_visit DISABLE TRIGGER ALL",
    "ALTER TABLE schedules_visit DISABLE TRIGGER dayzero_audit_update",
    "DROP TRIGGER dayzero_audit_update ON schedules_visit",
    "DROP TABLE trials_auditentry",
    "SET session_replication_role = replica",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/dayzero'",
    "CREATE OR REPLACE FUNCTION dayzero_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "CREATE TABLE mine (id int)",
    "CREATE SCHEMA mine",
    "CREATE TEMPORARY TABLE trials_auditentry (id int)",
    "CREATE ROLE other SUPERUSER",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "TRUNCATE schedules_visit",
    "TRUNCATE trials_auditentry",
    "DELETE FROM trials_auditentry",
    "UPDATE trials_auditentry SET reason = 'other'",
    "DELETE FROM trials_auditlink",
    "INSERT INTO trials_auditentry SELECT * FROM trials_auditentry",
    "SELECT setval(pg_get_serial_sequence('trials_auditentry', 'id'), 1)",
    "SELECT nextval(pg_get_serial_sequence('trials_auditentry', 'id'))",
    "DELETE FROM django_migrations",
    "CREATE TRIGGER mine BEFORE INSERT ON schedules_visit FOR EACH ROW EXECUTE FUNCTION dayzero_refuse()",
]


@postgres
@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_running_role_cannot(running: psycopg.Connection, statement: str) -> None:
    enrol(enrolment=an_enrolment(), by=None)
    seal_audit(now=timezone.now())
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.IntegrityConstraintViolation)):
        running.execute(statement.encode())


@postgres
def test_what_the_running_role_writes_is_recorded(running: psycopg.Connection) -> None:
    person = enrol(enrolment=an_enrolment(), by=None)
    with running.transaction():
        running.execute("""SELECT set_config('dayzero.act', '{"actor": "lin", "reason": "moved"}', true)""")
        running.execute("UPDATE schedules_visit SET booked_place = 'Room 4' WHERE code = 'd28'")
    entry = AuditEntry.objects.latest("id")
    assert (entry.actor, entry.reason, entry.model) == ("lin", "moved", "schedules.visit")
    running.execute("UPDATE schedules_visit SET booked_place = '' WHERE code = 'd28'")
    assert AuditEntry.objects.latest("id").actor == f"database: {ROLE}", (
        "who said nothing is named as it signed in"
    )
    assert Visit.objects.filter(participant=person).exists()


@postgres
def test_the_running_role_seals_and_sees_strays(separated: None) -> None:
    enrol(enrolment=an_enrolment(), by=None)
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {ROLE}")
        try:
            seal = seal_audit(now=timezone.now())
            assert strays() == []
            last = "pg_sequence_last_value(pg_get_serial_sequence('trials_auditentry', 'id')::regclass)"
            cursor.execute(f"SELECT {last} = max(id) FROM trials_auditentry")
            assert cursor.fetchone() == (True,), "the number given last is known"
        finally:
            cursor.execute("RESET ROLE")
    assert seal
    assert AuditLink.objects.count() == AuditEntry.objects.count()


@postgres
def test_tables_of_later_migrations_are_written_too(running: psycopg.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE later (id bigint GENERATED BY DEFAULT AS IDENTITY, word text)")
    try:
        running.execute("INSERT INTO later (word) VALUES ('x')")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE later")


@postgres
def test_a_temporary_table_does_not_take_the_entries(running: psycopg.Connection) -> None:
    """Even where somebody lets the role make temporary tables again."""
    enrol(enrolment=an_enrolment(), by=None)
    name = sql.Identifier(str(connection.settings_dict["NAME"]))
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO " + ROLE).format(name).as_string(None))
    running.execute("CREATE TEMPORARY TABLE trials_auditentry (LIKE public.trials_auditentry INCLUDING ALL)")
    before = AuditEntry.objects.count()
    running.execute("UPDATE schedules_visit SET booked_place = 'Room 4' WHERE code = 'd28'")
    assert AuditEntry.objects.count() == before + 1


@postgres
def test_it_can_be_done_again_without_a_password(separated: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTGRES_APP_PASSWORD")
    call_command("separate_roles", ROLE, verbosity=0)


@postgres
@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("postgres", "This command runs as postgres, the owner: name another role"),
        ("nobody_yet", "There is no role nobody_yet yet: give it a password in POSTGRES_APP_PASSWORD"),
    ],
)
def test_what_cannot_be_separated_is_said(db: None, role: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("separate_roles", role)


@postgres
def test_a_role_that_has_powers_from_elsewhere_is_refused(separated: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT pg_execute_server_program TO {ROLE}")
    with pytest.raises(CommandError, match="still runs programs on the server"):
        call_command("separate_roles", ROLE)


@postgres
@pytest.mark.django_db
def test_a_start_as_owner_says_so_in_health_and_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert warn_of_powers() == ["is a superuser"]
    assert "could switch the audit trail off: it is a superuser" in caplog.text
    answer = Client().get("/health/")
    assert (answer.status_code, answer.json()["status"]) == (200, "attention")
    assert "separate_roles" in answer.json()["problems"][0]


@postgres
@pytest.mark.django_db
def test_the_running_role_has_none_of_the_powers(separated: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {ROLE}")
        try:
            assert powers_of_this_role(connection) == []
            answer = Client().get("/health/")
        finally:
            cursor.execute("RESET ROLE")
    assert answer.json() == {"status": "ok", "problems": []}


@pytest.mark.django_db
def test_sqlite_has_no_roles(lane: str) -> None:
    if lane != "sqlite":
        pytest.skip("PostgreSQL has")
    with pytest.raises(CommandError, match="SQLite has no roles"):
        call_command("separate_roles")
    assert Client().get("/health/").json() == {"status": "ok", "problems": []}
