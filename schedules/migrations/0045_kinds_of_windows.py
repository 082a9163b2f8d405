
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('schedules', '0044_more_zones_of_record'),
    ]

    operations = [
        migrations.AlterField(
            model_name='protocolwindow',
            name='kind',
            field=models.CharField(choices=[('presence', 'stay near the site'), ('stay', 'hospital stay'), ('observation', 'observation'), ('freshness', 'age of a test'), ('washout', 'washout'), ('conduct', 'conduct'), ('event-after', 'event with a time limit')], max_length=16, verbose_name='kind'),
        ),
    ]
