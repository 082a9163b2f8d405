"""Give lists an index to walk along: flags by rank, live visits by target."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('participants', '0001_release_0_1_0'),
        ('schedules', '0017_chunk_basis'),
        ('trials', '0014_audit_by_place'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='flag',
            index=models.Index(models.Case(models.When(severity='critical', then=models.Value(0)), models.When(severity='warning', then=models.Value(1)), models.When(severity='notice', then=models.Value(2)), default=models.Value(3), output_field=models.SmallIntegerField()), models.F('raised_at'), models.F('id'), condition=models.Q(('cleared_at__isnull', True)), name='flags_by_rank'),
        ),
        migrations.AddIndex(
            model_name='visit',
            index=models.Index(condition=models.Q(('applies', True), ('cancelled_on__isnull', True), ('missed_on__isnull', True), ('performed_on__isnull', True)), fields=['target', 'id'], name='visit_live_by_target'),
        ),
    ]
