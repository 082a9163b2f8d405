"""Make the table of rendered entries again, with what every fetch reads before the bytes.

SQLite reads the columns of a row in their order: `basis` stood behind the bytes, and every fetch of a large
calendar read all of them. Nothing is lost: entries are rendered again from what is recorded.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("participants", "0012_site_period"), ("schedules", "0033_differing_activities")]

    operations = [
        migrations.DeleteModel("CalendarChunk"),
        migrations.CreateModel(
            name="CalendarChunk",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "participant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="participants.participant",
                    ),
                ),
                ("style", models.CharField(max_length=48)),
                ("basis", models.TextField()),
                ("digest", models.CharField(max_length=32)),
                ("first", models.DateField(null=True)),
                ("last", models.DateField(null=True)),
                ("until", models.DateField(null=True)),
                ("entries", models.TextField()),
                ("body", models.BinaryField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("style", "participant"), name="chunk_once_per_style")
                ]
            },
        ),
    ]
