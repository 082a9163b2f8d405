"""Settings, addresses and the beat schedule; the Celery app is loaded so that shared tasks find it."""

from config import connections  # noqa: F401  its check registers itself
from config.celery import app as celery_app

__all__ = ["celery_app"]
