"""Re-planning gets an act of its own; those who could re-plan by recording anchors still can."""

from django.db import migrations

ANCHORS, PLAN = "anchors:write", "plan:write"
MODELS = ("ApiClient", "ApiToken", "AccessToken")


def give(apps, schema_editor):
    for name in MODELS:
        for row in apps.get_model("trials", name).objects.using(schema_editor.connection.alias).iterator():
            if ANCHORS in row.acts and PLAN not in row.acts:
                row.acts = [*row.acts, PLAN]
                row.save(update_fields=["acts"])


def take(apps, schema_editor):
    for name in MODELS:
        for row in apps.get_model("trials", name).objects.using(schema_editor.connection.alias).iterator():
            if PLAN in row.acts:
                row.acts = [act for act in row.acts if act != PLAN]
                row.save(update_fields=["acts"])


class Migration(migrations.Migration):

    dependencies = [
        ('trials', '0020_single_keys'),
    ]

    operations = [migrations.RunPython(give, take)]
