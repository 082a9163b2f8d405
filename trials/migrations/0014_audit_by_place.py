"""Find entries of the trail by place: every page of one site is a walk along one index."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('trials', '0013_feeds'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['site_id', 'id'], name='audit_by_site'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['trial_id', 'id'], name='audit_by_trial'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(condition=models.Q(('participant_id__isnull', True)), fields=['id'], name='audit_of_no_participant'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(condition=models.Q(('participant_id__isnull', False), ('site_id__isnull', True)), fields=['participant_id', 'id'], name='audit_site_unknown'),
        ),
    ]
