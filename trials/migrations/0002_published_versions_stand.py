"""A published protocol version is immutable in the database too."""

from django.db import migrations

WHAT = "a published protocol version cannot be changed or deleted"

SQLITE = [
    f"""CREATE TRIGGER protocol_version_no_update BEFORE UPDATE ON trials_protocolversion
        WHEN OLD.published_at IS NOT NULL BEGIN SELECT RAISE(ABORT, '{WHAT}'); END""",
    f"""CREATE TRIGGER protocol_version_no_delete BEFORE DELETE ON trials_protocolversion
        WHEN OLD.published_at IS NOT NULL BEGIN SELECT RAISE(ABORT, '{WHAT}'); END""",
]
POSTGRESQL = [
    f"""CREATE FUNCTION protocol_version_stands() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{WHAT}' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
    """CREATE TRIGGER protocol_version_no_change BEFORE UPDATE OR DELETE ON trials_protocolversion
        FOR EACH ROW WHEN (OLD.published_at IS NOT NULL) EXECUTE FUNCTION protocol_version_stands()""",
]
SQLITE_BACK = ["DROP TRIGGER protocol_version_no_update", "DROP TRIGGER protocol_version_no_delete"]
POSTGRESQL_BACK = [
    "DROP TRIGGER protocol_version_no_change ON trials_protocolversion",
    "DROP FUNCTION protocol_version_stands()",
]


def run(sqlite, postgresql):
    def statements(apps, schema_editor):
        for statement in postgresql if schema_editor.connection.vendor == "postgresql" else sqlite:
            schema_editor.execute(statement)

    return statements


class Migration(migrations.Migration):
    dependencies = [("trials", "0001_initial")]
    operations = [migrations.RunPython(run(SQLITE, POSTGRESQL), run(SQLITE_BACK, POSTGRESQL_BACK))]
