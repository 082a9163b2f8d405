"""Keep when a sweep of reminders last looked at everybody; let the index of windows that open hold both days."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("schedules", "0034_chunk_columns")]

    operations = [
        migrations.AddField(
            model_name="remindersweep", name="whole_at", field=models.DateTimeField(null=True)
        ),
        migrations.AddIndex(
            model_name="visit",
            index=models.Index(
                fields=["opens", "closes"],
                condition=models.Q(
                    performed_on__isnull=True, missed_on__isnull=True, cancelled_on__isnull=True
                ),
                name="visit_live_by_opening",
            ),
        ),
        migrations.RemoveIndex(model_name="visit", name="visit_live_by_opens"),
    ]
