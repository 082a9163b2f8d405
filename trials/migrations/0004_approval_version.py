from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('trials', '0003_membership_when'),
    ]

    operations = [
        migrations.AddField(
            model_name='siteapproval',
            name='version',
            field=models.PositiveIntegerField(default=1, editable=False),
        ),
    ]
