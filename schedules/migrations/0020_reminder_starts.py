from datetime import UTC, datetime, timedelta

from django.db import migrations

KINDS = [
    "book", "coming", "half", "unrecorded", "closed", "missed", "washout", "test-opens", "test-closes",
    "at-risk", "violated", "near-begins", "lodging", "near-ends", "stay-ends", "hold", "product", "gate",
    "consent", "contact", "edc",
]


def name_participants(apps, schema_editor):
    """Say of every reminder that was written whom it is about."""
    schema_editor.execute(
        "UPDATE schedules_reminder SET participant_id = (SELECT visit.participant_id FROM schedules_visit visit"
        " WHERE visit.id = schedules_reminder.visit_id) WHERE participant_id IS NULL"
    )


def begin_today(apps, schema_editor):
    """Let what was due before this release count as said: a sweep directly after it writes nothing."""
    if apps.get_model("participants", "Participant").objects.exists():
        start = apps.get_model("schedules", "ReminderStart")
        today = datetime.now(UTC).date() + timedelta(days=1)  # the earth's last day: never one too early
        start.objects.bulk_create(start(kind=kind, since=today) for kind in KINDS)


class Migration(migrations.Migration):

    dependencies = [("schedules", "0019_reminder_rules")]

    operations = [
        migrations.RunPython(name_participants, migrations.RunPython.noop),
        migrations.RunPython(begin_today, migrations.RunPython.noop),
    ]
