"""A window that nobody has judged yet is due: new ones from the start, those on record from now on."""

import datetime

from django.db import migrations, models

NEVER_JUDGED = datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)


def let_all_be_judged(apps, schema_editor):
    apps.get_model("schedules", "ProtocolWindow").objects.filter(judge_at=None).update(judge_at=NEVER_JUDGED)


class Migration(migrations.Migration):
    dependencies = [("schedules", "0003_reminder_unsent")]

    operations = [
        migrations.AlterField(
            model_name="protocolwindow",
            name="judge_at",
            field=models.DateTimeField(
                blank=True,
                default=NEVER_JUDGED,
                help_text="When the verdict may change by time alone.",
                null=True,
            ),
        ),
        migrations.RunPython(let_all_be_judged, migrations.RunPython.noop, elidable=True),
    ]
