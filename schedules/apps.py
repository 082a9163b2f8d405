from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SchedulesConfig(AppConfig):
    name = "schedules"
    verbose_name = _("Schedules")

    def ready(self) -> None:
        """Let calendar addresses end with the role behind them."""
        from schedules.services.feeds.access import watch_roles  # noqa: PLC0415  models are ready only now

        watch_roles()
