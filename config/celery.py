"""The Celery app and everything that happens by the clock.

Celery and Redis only ring the bell: what is due stands in the database, so a lost, doubled or
late message changes nothing (docs/architecture.md).
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")

app = Celery("dayzero")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Name -> task and how often. Tasks acknowledge early, carry ids only, and never an ETA.
app.conf.beat_schedule = {}
