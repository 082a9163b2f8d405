from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('schedules', '0037_finished_visits'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='reminderdelivery',
            name='delivery_open',
        ),
        migrations.AddIndex(
            model_name='reminderdelivery',
            index=models.Index(condition=models.Q(('refused_at__isnull', True), ('sent_at__isnull', True)), fields=['channel', 'tried_at', 'id'], name='delivery_open'),
        ),
    ]
