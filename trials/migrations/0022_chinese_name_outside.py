"""Give trials a Chinese name outside, for calendars and messages in Chinese; empty for those there are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trials", "0021_act_of_re_planning")]

    operations = [
        migrations.AddField(
            model_name="trial",
            name="outside_name_zh",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=40, verbose_name="Chinese name outside"
            ),
        ),
    ]
