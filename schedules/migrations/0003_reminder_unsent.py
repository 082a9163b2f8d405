"""What is not sent yet is found without reading the whole ledger, every minute."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('schedules', '0002_visit_course'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='reminder',
            index=models.Index(
                condition=models.Q(('sent_at__isnull', True)), fields=['claimed_at', 'id'], name='reminder_unsent'
            ),
        ),
    ]
