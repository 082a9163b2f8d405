from django.apps import AppConfig, apps
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

AUDITED_APPS = ("trials", "participants", "schedules", "mfa", "socialaccount")


class TrialsConfig(AppConfig):
    name = "trials"
    verbose_name = _("Trials")

    def ready(self) -> None:
        """Lay the triggers after every migration, tell SQLite how to ask who acts, hear who signs in."""
        from trials.acts import teach_sqlite  # noqa: PLC0415  models are ready only now
        from trials.frozen import lay_guards  # noqa: PLC0415
        from trials.triggers import lay_triggers  # noqa: PLC0415
        from trials.web.sign_in import listen  # noqa: PLC0415

        listen()
        connection_created.connect(teach_sqlite)
        for label in AUDITED_APPS:
            post_migrate.connect(lay_triggers, sender=apps.get_app_config(label))
            post_migrate.connect(lay_guards, sender=apps.get_app_config(label))
