"""An ordinary migration runs on recorded tables, forwards and back, and stands in the trail."""

from __future__ import annotations

import importlib
import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, connections

import trials.migrations
from trials.audit import outside_names
from trials.audit.migrating import lift_triggers
from trials.audit.triggers import audited_table
from trials.models import AuditEntry, Site, Trial
from trials.selectors.audit.trail import recorded_models
from trials.services.audit.sealing import seal_audit, verify_audit

pytestmark = pytest.mark.django_db(transaction=True)

HEAD = """
from django.db import migrations, models
import django.utils.timezone


def rewrite(apps, schema_editor):
    for site in apps.get_model("trials", "site").objects.all():
        site.zone = "Asia/Urumqi"
        site.save()


class Migration(migrations.Migration):
    dependencies = [("trials", "LAST")]
    operations = [OPERATIONS, migrations.RunPython(rewrite, rewrite)]
"""
CASES = {
    "a column dropped": 'migrations.RemoveField("site", "feeds_enabled")',
    "a column renamed": 'migrations.RenameField("site", "name", "title")',
    "a column retyped": 'migrations.AlterField("site", "name", models.TextField(default=""))',
    "a table renamed": 'migrations.AlterModelTable("site", "trials_place")',
    "a guard's column renamed": 'migrations.RenameField("protocolversion", "published_at", "out_at")',
    "a column of the trial renamed": 'migrations.RenameField("trial", "title", "heading")',
    "a column added": 'migrations.AddField("site", "ward", models.CharField(max_length=20, default=""))',
}
TRIED = "9001_tried"
RELEASE = "0001_release_0_1_0"


def last_migration() -> str:
    """The newest migration of trials, those left out that the one of the release replaces."""
    files = Path(trials.migrations.__file__).parent.glob("[0-9]*.py")
    release = importlib.import_module(f"trials.migrations.{RELEASE}").Migration
    return max({file.stem for file in files} - {name for _app, name in release.replaces})


@pytest.fixture
def tried(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Give a function that adds one more migration to those of trials; it is taken back in the end."""
    name = f"tried_{uuid.uuid4().hex}"
    package = tmp_path / name
    shutil.copytree(Path(trials.migrations.__file__).parent, package, ignore=shutil.ignore_patterns("__py*"))
    monkeypatch.syspath_prepend(str(tmp_path))
    settings.MIGRATION_MODULES = {"trials": name}

    def write(operations: str) -> None:
        text = HEAD.replace("LAST", last_migration()).replace("OPERATIONS", operations)
        (package / f"{TRIED}.py").write_text(text, encoding="utf-8")

    yield write
    migrate(last_migration())


def migrate(to: str) -> None:
    call_command("migrate", "trials", to, verbosity=0)


def sql(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def columns_recorded(table: str, column: str, value: str) -> list[dict[str, Any]]:
    """Write past the application, and give what the trail says of it."""
    newest = AuditEntry.objects.order_by("-id").values_list("id", flat=True).first() or 0
    sql(f'UPDATE {table} SET "{column}" = %s', value)
    entries = AuditEntry.objects.filter(id__gt=newest).order_by("id")
    assert {entry.action for entry in entries} == {"change"}
    return [json.loads(entry.new) for entry in entries]


ALWAYS = {"a column renamed", "a table renamed"}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=() if case in ALWAYS else pytest.mark.long) for case in CASES]
)
def test_it_runs_forwards_and_back_with_a_data_migration_and_writes_are_recorded_again(
    case: str, tried: Callable[[str], None]
) -> None:
    tried(CASES[case])
    Site.objects.create(code="S1", name="Old", zone="Asia/Shanghai")
    Trial.objects.create(code="T", title="T")
    table = "trials_place" if case == "a table renamed" else "trials_site"
    migrate("9001")
    assert columns_recorded(table, "zone", "Asia/Tokyo") == [{"zone": "Asia/Tokyo"}]
    if case == "a column renamed":
        assert columns_recorded(table, "title", "New") == [{"title": "New"}]
    migrate(last_migration())
    assert columns_recorded("trials_site", "zone", "Asia/Seoul") == [{"zone": "Asia/Seoul"}]
    assert columns_recorded("trials_site", "name", "Newer") == [{"name": "Newer"}]
    with pytest.raises(DatabaseError, match="cannot be changed or deleted"):
        sql("UPDATE trials_auditentry SET actor = 'somebody else'")


def test_a_renamed_column_goes_on_under_its_old_name_in_the_trail(
    tried: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside_names, "FIELDS", {("trials.site", "name"): "title"})
    tried(CASES["a column renamed"])
    Site.objects.create(code="S1", name="Old", zone="Asia/Shanghai")
    migrate("9001")
    assert columns_recorded("trials_site", "title", "New") == [{"name": "New"}]
    sql("INSERT INTO trials_site SELECT * FROM trials_site WHERE false")
    sql("DELETE FROM trials_site")
    gone = AuditEntry.objects.latest("id")
    assert (gone.action, json.loads(gone.old)["name"]) == ("delete", "New")
    migrate(last_migration())


def test_every_name_that_has_left_the_code_is_still_there() -> None:
    """A rename wants a line in trials/audit/outside_names.py; what is new is added to the golden list."""
    names = sorted(
        f"{record} {outside_names.field_name_outside(field)}"
        for record, model in recorded_models().items()
        for field in audited_table(model).columns
    )
    golden = Path("tests/golden/outside-names.txt")
    had = golden.read_text(encoding="utf-8").splitlines()
    assert [name for name in had if name not in names] == [], "renamed without a line in the table"
    assert [name for name in names if name not in had] == [], f"new: add these to {golden}"


def test_the_migration_itself_stands_in_the_trail_and_the_chain_goes_on(
    tried: Callable[[str], None], django_db_reset_sequences: None
) -> None:
    from datetime import UTC, datetime

    tried(CASES["a column dropped"])
    Site.objects.create(code="S1", name="Old", zone="Asia/Shanghai")
    seal_audit(now=datetime.now(UTC))
    migrate("9001")
    migrate(last_migration())
    seal_audit(now=datetime.now(UTC))
    entries = AuditEntry.objects.filter(model="trials.schemachange").order_by("id")
    said = [(json.loads(entry.new)["name"], json.loads(entry.new)["direction"]) for entry in entries]
    assert said == [(TRIED, "forwards"), (TRIED, "backwards")]
    assert {(entry.cause, entry.action) for entry in entries} == {("migrate", "create")}
    assert verify_audit(heads=[]).fault is None


def test_a_migration_that_changes_nothing_leaves_no_entry() -> None:
    call_command("migrate", verbosity=0)
    assert not AuditEntry.objects.filter(model="trials.schemachange").exists()


def test_triggers_stand_again_where_a_migration_fails_halfway(tried: Callable[..., None]) -> None:
    tried('migrations.RunSQL("UPDATE trials_site SET no_such_column = 1", "SELECT 1")')
    Site.objects.create(code="S1", name="Old", zone="Asia/Shanghai")
    with pytest.raises(OperationalError if connection.vendor == "sqlite" else DatabaseError):
        migrate("9001")
    assert columns_recorded("trials_site", "zone", "Asia/Tokyo") == [{"zone": "Asia/Tokyo"}]


def test_a_password_stays_out_of_the_trail_after_a_migration_of_its_table(
    tried: Callable[[str], None],
) -> None:
    from trials.models import User

    tried('migrations.AddField("user", "ward", models.CharField(max_length=20, default=""))')
    User.objects.create_user("u", password="a long enough secret")
    migrate("9001")
    sql("UPDATE trials_user SET password = 'x', ward = 'W'")
    migrate(last_migration())
    sql("UPDATE trials_user SET password = 'y', first_name = 'F'")
    said = "".join(AuditEntry.objects.values_list("new", flat=True))
    assert ("password" in said, '"ward"' in said) == (False, True)


def test_nobody_else_writes_unrecorded_while_a_migration_runs() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("whoever migrates an SQLite file has it to themselves")
    Site.objects.create(code="S1", name="Old", zone="Asia/Shanghai")
    lift_triggers("default", plan=["one"])
    other = connections["default"].copy()
    try:
        with other.cursor() as cursor, pytest.raises(DatabaseError, match="is being migrated"):
            cursor.execute("UPDATE trials_site SET name = 'unrecorded'")
    finally:
        other.close()
        call_command("migrate", verbosity=0)
    assert columns_recorded("trials_site", "name", "New") == [{"name": "New"}]
