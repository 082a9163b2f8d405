"""Where real participants are: nothing has a default that would be unsafe."""

from django.core.exceptions import ImproperlyConfigured

from config.settings.base import *
from config.settings.base import LOG_LEVEL, LOGGING, SENTRY_DSN, SENTRY_ENVIRONMENT, env

_missing = [name for name in ("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL") if not env.str(name, default="")]
if _missing:
    raise ImproperlyConfigured(
        f"Dayzero does not start in production without {', '.join(_missing)}: "
        "set each in the environment; .env.example says what it holds."
    )

DEBUG = False
SECRET_KEY = env.str("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")

# Answer on HTTPS alone, and tell browsers so for a year. A proxy that ends HTTPS must be named,
# since its header would otherwise let anyone claim to have come that way.
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=365 * 24 * 3600)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
LANGUAGE_COOKIE_SECURE = True

# Everybody has a second factor, unless the environment names the roles that must have one ("" for none).
SECOND_FACTOR_ROLES = env.list("SECOND_FACTOR_ROLES", default=["everybody"])

# Connecting costs more than most queries, so each thread keeps its connection. One that a restart of the
# server broke is found by the health check and replaced. (Not psycopg's pool as well: it would check twice.)
DATABASES["default"]["CONN_MAX_AGE"] = env.int("DB_KEEP_SECONDS", default=600)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# How many threads and tasks may hold a connection at once; `manage.py check --database default` adds them up.
WEBS = env.int("WEBS", default=1)
WEB_PROCESSES = env.int("WEB_CONCURRENCY", default=2)
WEB_THREADS = env.int("WEB_THREADS", default=64)
WORKERS = env.int("WORKERS", default=1)
CELERY_WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", default=2)

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LOGGING["loggers"]["dayzero.requests"] = {"level": LOG_LEVEL}
if SENTRY_DSN:
    from config import error_reports
    from trials.domain.release import RELEASE

    error_reports.start(SENTRY_DSN, SENTRY_ENVIRONMENT, RELEASE)
