from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SchedulesConfig(AppConfig):
    name = "schedules"
    verbose_name = _("Schedules")

    def ready(self) -> None:
        """Let calendar addresses end with their role, and sessions begin in the language of their account."""
        from schedules.services.feeds.access import watch_roles  # noqa: PLC0415  models are ready only now
        from schedules.web.reminders.language import watch_sign_ins  # noqa: PLC0415  likewise

        watch_roles()
        watch_sign_ins()
