"""PostgreSQL's two roles: one owns the tables and migrates, the other runs Dayzero and owns nothing.

Anyone who owns a table can switch its triggers off, and a superuser can skip all of them: the audit trail
binds a program only if it runs as neither. The running role writes entries of the trail through the
triggers alone, whose functions run as their owner. SQLite has no roles: there the file's owner is both.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from trials.audit.triggers import APPEND_ONLY

logger = logging.getLogger(__name__)

ENTRIES = "trials_auditentry"
READ_ONLY = (ENTRIES, "trials_schemachange", "django_migrations")
"""What the running role never writes by itself; triggers and migrations do."""
SUPERUSER = "is a superuser"
POWERS = {
    SUPERUSER: "SELECT rolsuper FROM pg_roles WHERE rolname = current_user",
    "creates roles": "SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user",
    "may copy the whole server": "SELECT rolreplication FROM pg_roles WHERE rolname = current_user",
    "owns tables, and so can alter them and switch their triggers off": (
        "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
        "AND relkind IN ('r', 'p') AND pg_has_role(current_user, relowner, 'MEMBER'))"
    ),
    "owns the schema": (
        "SELECT pg_has_role(nspowner, 'MEMBER') FROM pg_namespace WHERE nspname = current_schema()"
    ),
    "owns the database": (
        "SELECT pg_has_role(datdba, 'MEMBER') FROM pg_database WHERE datname = current_database()"
    ),
    "creates tables and functions": "SELECT has_schema_privilege(current_schema(), 'CREATE')",
    "may set session_replication_role, which skips triggers": (
        "SELECT has_parameter_privilege('session_replication_role', 'SET')"
    ),
    "runs programs on the server": "SELECT pg_has_role('pg_execute_server_program', 'MEMBER')",
    "writes files on the server": "SELECT pg_has_role('pg_write_server_files', 'MEMBER')",
    "empties tables or lays triggers": (
        "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
        "AND relkind IN ('r', 'p') AND has_table_privilege(oid, 'TRUNCATE, TRIGGER'))"
    ),
    "writes entries of the audit trail itself": (
        "SELECT coalesce((SELECT has_table_privilege(oid, 'INSERT') FROM pg_class "
        "WHERE relname = 'trials_auditentry' AND relnamespace = current_schema()::regnamespace), false)"
    ),
}
"""What a role that runs Dayzero must not be able to do, and how PostgreSQL answers whether it can."""


class CannotSeparate(Exception):
    """The roles cannot be separated so; the message says why and what would be right."""


def powers_of_this_role(connection: BaseDatabaseWrapper) -> list[str]:
    """Return what the connection's role could do to the audit trail, in words; nothing on SQLite."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"({question})" for question in POWERS.values()))
        held = [power for power, has in zip(POWERS, cursor.fetchone(), strict=True) if has]
    return held[:1] if SUPERUSER in held else held


def warn_of_powers(using: str = "default") -> list[str]:
    """Write to the log at a start what this role could do to the audit trail, and return it."""
    connection = connections[using].copy()  # one of its own: others are left as they are
    try:
        powers = powers_of_this_role(connection)
    except DatabaseError:
        logger.warning("The database did not say what its role may do; it is asked again at the next start.")
        return []
    finally:
        connection.close()
    if powers:
        logger.warning(
            "Dayzero runs as a database role that could switch the audit trail off: it %s. "
            "Run `manage.py separate_roles` (docs/audit.md).",
            "; it ".join(powers),
        )
    return powers


def run_functions_as_owner(connection: BaseDatabaseWrapper) -> None:
    """Let the functions of the triggers do their work as their owner, and find our tables alone.

    Without a search path of their own they would find a temporary table of the same name first, and write
    their entries there.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.proname, current_schema() FROM pg_proc p WHERE p.proname LIKE 'dayzero!_%' ESCAPE '!' "
            "AND p.pronamespace = current_schema()::regnamespace AND p.pronargs = 0 "
            "AND p.prorettype = 'trigger'::regtype AND pg_has_role(p.proowner, 'MEMBER')"
        )
        for name, schema in cursor.fetchall():
            function, path = sql.Identifier(schema, name), sql.Identifier(schema)
            _run(cursor, "ALTER FUNCTION {}() SECURITY DEFINER SET search_path = {}, pg_temp", function, path)


def separate_roles(role: str, password: str = "", using: str = "default") -> None:
    """Make (or mend) a role that runs Dayzero and owns nothing; called as the owner of the tables.

    Without a password an existing role keeps its own. May be repeated at any time, and is after a migration.
    Raises CannotSeparate where this role owns nothing, where `role` is this one or owns something, or
    where this role may not make another.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        raise CannotSeparate(
            "SQLite has no roles: anyone who may write the file may change everything in it. Use PostgreSQL."
        )
    with transaction.atomic(using), connection.cursor() as cursor:
        _refuse(cursor, role)
        _make(cursor, role, password)
        for statement in _grants(cursor):
            _run(cursor, statement, sql.Identifier(role))
        run_functions_as_owner(connection)
        _check(cursor, role)


def _run(cursor: CursorWrapper, statement: str, *names: sql.Composable) -> None:
    cursor.execute(sql.SQL(statement).format(*names).as_string(cursor.connection))


def _value(cursor: CursorWrapper, statement: str, *values: str) -> object:
    cursor.execute(statement, values)
    row = cursor.fetchone()
    return row[0] if row else None


def _refuse(cursor: CursorWrapper, role: str) -> None:
    me = str(_value(cursor, "SELECT current_user"))
    if role == me:
        raise CannotSeparate(f"This command runs as {me}, the owner: name another role, such as dayzero_app.")
    if not _value(
        cursor, "SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = %s::regclass", ENTRIES
    ):
        raise CannotSeparate(
            f"{me} does not own Dayzero's tables: run this command as the role that migrates."
        )
    owned = _value(
        cursor,
        "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = %s",
        role,
    )
    if owned:
        raise CannotSeparate(f"{role} owns {owned} tables or indexes already: name a role that owns nothing.")


def _make(cursor: CursorWrapper, role: str, password: str) -> None:
    known = _value(cursor, "SELECT 1 FROM pg_roles WHERE rolname = %s", role)
    if not known and not password:
        raise CannotSeparate(f"There is no role {role} yet: give it a password in POSTGRES_APP_PASSWORD.")
    able = _value(cursor, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    # Only a superuser may so much as name these; a role that another one makes has none of them.
    nothing = " NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS" if able else ""
    try:
        if not known or able:
            _run(cursor, f"{'ALTER' if known else 'CREATE'} ROLE {{}} LOGIN{nothing}", sql.Identifier(role))
        if password:  # digested here: the server's log may keep statements
            digest = cursor.connection.pgconn.encrypt_password(
                password.encode(), role.encode(), b"scram-sha-256"
            )
            _run(cursor, "ALTER ROLE {} PASSWORD {}", sql.Identifier(role), sql.Literal(digest.decode()))
    except DatabaseError as error:
        raise CannotSeparate(
            f"This role may not make or change {role}. Let an administrator of the server run "
            f"CREATE ROLE {role} LOGIN PASSWORD '…'; then run this command again without a password."
        ) from error


def _grants(cursor: CursorWrapper) -> Iterator[str]:
    """What the running role may do, told from nothing; `{}` stands for its name."""
    database = sql.Identifier(str(_value(cursor, "SELECT current_database()"))).as_string(None)
    schema = sql.Identifier(str(_value(cursor, "SELECT current_schema()"))).as_string(None)
    database, schema = database.replace("{", "{{"), schema.replace("{", "{{")
    rows = "SELECT, INSERT, UPDATE, DELETE"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {{}}"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {{}}"
    yield f"REVOKE ALL ON SCHEMA {schema} FROM {{}}"
    yield f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC"
    # A temporary table of the name of one of ours would be found first.
    yield f"REVOKE ALL ON DATABASE {database} FROM {{}}"
    yield f"REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC"
    yield f"GRANT CONNECT ON DATABASE {database} TO {{}}"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {{}}"
    yield f"GRANT {rows} ON ALL TABLES IN SCHEMA {schema} TO {{}}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {{}}"
    yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {rows} ON TABLES TO {{}}"
    yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {{}}"
    for table in dict.fromkeys((*APPEND_ONLY, *READ_ONLY)):
        if not _value(cursor, "SELECT to_regclass(%s)", table):
            continue
        # Sealing locks entries and links against writers, which takes UPDATE; the triggers refuse the rest.
        yield f"REVOKE {'ALL' if table in READ_ONLY else 'DELETE'} ON {table} FROM {{}}"
        yield f"GRANT SELECT{', UPDATE' if table == ENTRIES else ''} ON {table} TO {{}}"
    for table in READ_ONLY:
        sequence = _value(cursor, "SELECT pg_get_serial_sequence(to_regclass(%s)::text, 'id')", table)
        if sequence:
            yield f"REVOKE ALL ON SEQUENCE {sequence} FROM {{}}"
            # Sealing asks which number was given last; to take one or to set it is not for this role.
            yield f"GRANT SELECT ON SEQUENCE {sequence} TO {{}}"


def _check(cursor: CursorWrapper, role: str) -> None:
    """Ask as that role what it can do: memberships and grants from elsewhere come out here."""
    able = _value(cursor, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if not able:
        return  # only a superuser may look through another's eyes; the start of Dayzero looks with its own
    _run(cursor, "SET LOCAL ROLE {}", sql.Identifier(role))
    try:
        powers = powers_of_this_role(cursor.db)
    finally:
        cursor.execute("RESET ROLE")
    if powers:
        raise CannotSeparate(f"{role} still {'; it '.join(powers)}. Take that from it first.")
