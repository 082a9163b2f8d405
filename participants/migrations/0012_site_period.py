"""The periods of participants at sites that they left; those of earlier transfers come from the audit trail."""

import json

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


def earlier_transfers(apps, schema_editor):
    """Write the period that each transfer on record ended: the trail says which site was left."""
    Step = apps.get_model("participants", "CourseStep")
    Entry = apps.get_model("trials", "AuditEntry")
    Period = apps.get_model("participants", "SitePeriod")
    Site = apps.get_model("trials", "Site")
    sites = set(Site.objects.values_list("pk", flat=True))
    steps = {}
    for person, day in Step.objects.filter(step="transfer").order_by("pk").values_list("participant", "happened_on"):
        steps.setdefault(person, []).append(day)
    for person, days in steps.items():
        changes = Entry.objects.filter(model="participants.participant", object_id=str(person), action="change")
        left = []
        for old in changes.filter(old__contains='"site_id"').order_by("pk").values_list("old", flat=True):
            site = json.loads(old).get("site_id")
            if site is not None and int(site) in sites:
                left.append(int(site))
        since = None
        for site, day in zip(left, days):
            if since is not None and since > day:
                since = day
            Period.objects.create(participant_id=person, site_id=site, starts_on=since, ended_on=day)
            since = day


class Migration(migrations.Migration):

    dependencies = [
        ('participants', '0011_search'),
        ('trials', '0021_act_of_re_planning'),
    ]

    operations = [
        migrations.CreateModel(
            name='SitePeriod',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_on', models.DateField(blank=True, null=True, verbose_name='from')),
                ('ended_on', models.DateField(verbose_name='until')),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='site_periods', to='participants.participant')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trials.site')),
            ],
            options={
                'verbose_name': 'period at a former site',
                'verbose_name_plural': 'periods at former sites',
                'ordering': ('participant_id', 'id'),
                'constraints': [models.CheckConstraint(condition=models.Q(('starts_on__isnull', True), ('starts_on__lte', models.F('ended_on')), _connector='OR'), name='site_period_in_order')],
            },
        ),
        migrations.RunPython(earlier_transfers, migrations.RunPython.noop),
    ]
