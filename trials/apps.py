from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class TrialsConfig(AppConfig):
    name = "trials"
    verbose_name = _("Trials")

    def ready(self) -> None:
        """Lift and lay triggers around migrations, tell SQLite how to ask who acts, hear who signs in."""
        from trials.admin.accounts import leave_out_packaged  # noqa: PLC0415
        from trials.audit.acts import teach_sqlite  # noqa: PLC0415  models are ready only now
        from trials.audit.migrating import lay_after_migration, lift_triggers  # noqa: PLC0415
        from trials.web.accounts.sign_in import listen  # noqa: PLC0415

        listen()
        leave_out_packaged()
        connection_created.connect(teach_sqlite)
        pre_migrate.connect(lift_triggers, sender=self)
        post_migrate.connect(lay_after_migration, sender=self)
