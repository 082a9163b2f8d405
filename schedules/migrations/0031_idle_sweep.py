"""Let PostgreSQL keep the plan of the question that an idle sweep asks each minute."""

from typing import Any

from django.db import migrations

IS_IDLE = """
CREATE OR REPLACE FUNCTION schedules_sweep_is_idle(wanted text, moment timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE AS $idle$
BEGIN
    RETURN EXISTS (
        SELECT 1 FROM schedules_remindersweep last
        WHERE last.id = 1 AND last.seen = wanted AND moment BETWEEN last.at AND last.until
        AND last.entry = COALESCE((SELECT entry.id FROM trials_auditentry entry ORDER BY entry.id DESC LIMIT 1), 0)
    );
END
$idle$
"""


def lay(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(IS_IDLE)
    # until when a sweep holds says now when all is looked at again, whatever the trail says
    apps.get_model("schedules", "ReminderSweep").objects.all().delete()


def lift(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION IF EXISTS schedules_sweep_is_idle(text, timestamptz)")
    apps.get_model("schedules", "ReminderSweep").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("schedules", "0030_webhook_version"), ("trials", "0001_release_0_1_0")]

    operations = [migrations.RunPython(lay, lift)]
