import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def name_the_trial(apps, schema_editor):
    """Until now every review was of a dose level, and that belongs to its trial."""
    reviews, cohorts = apps.get_model("participants", "SafetyReview"), apps.get_model("trials", "Cohort")
    trial = cohorts.objects.filter(pk=OuterRef("cohort")).values("trial")
    reviews.objects.update(trial=Subquery(trial))
    if schema_editor.connection.vendor == "postgresql":  # else the column cannot be altered in this transaction
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):

    dependencies = [
        ("participants", "0002_consent_version"),
        ("trials", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="safetyreview",
            name="trial",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="safety_reviews", to="trials.trial"),
        ),
        migrations.RunPython(name_the_trial, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="safetyreview",
            name="trial",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="safety_reviews", to="trials.trial"),
        ),
        migrations.AlterField(
            model_name="safetyreview",
            name="cohort",
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="safety_reviews", to="trials.cohort"),
        ),
        migrations.AlterModelOptions(
            name="safetyreview",
            options={"ordering": ("trial", "held_on", "id"), "verbose_name": "safety review", "verbose_name_plural": "safety reviews"},
        ),
    ]
