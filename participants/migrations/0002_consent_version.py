from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('participants', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='consent',
            name='version',
            field=models.PositiveIntegerField(default=1, editable=False),
        ),
    ]
