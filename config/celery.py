"""The Celery app and everything that happens by the clock.

Celery and Redis only ring the bell: what is due stands in the database, so a lost, doubled or
late message changes nothing (docs/architecture.md).
"""

from celery import Celery

# No settings are named here: this module is loaded before config.wsgi names the production ones.
# A worker or beat started by hand needs DJANGO_SETTINGS_MODULE.
app = Celery("dayzero")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Name -> task and how often. Tasks acknowledge early, carry ids only, and never an ETA.
app.conf.beat_schedule = {}
