"""The tests' settings; DAYZERO_TEST_DATABASE says which database they run on: sqlite or postgres.

Each run has a folder of its own, so that two runs in one tree do not meet. Processes that a run
starts inherit both names from it, and so share its servers.
"""

from config.settings.base import *
from config.settings.base import database, env
from tests import servers

SECRET_KEY = "django-insecure-for-tests-only"  # noqa: S105 (guards nothing)
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]

match env.str("DAYZERO_TEST_DATABASE", default="sqlite"):
    case "sqlite":
        _file = servers.run_folder() / "dayzero.sqlite3"
        DATABASES = {"default": database(f"sqlite:///{_file}")}
        # In a file and not in memory, as where it is used: WAL and locks are part of the behaviour.
        DATABASES["default"]["TEST"] = {"NAME": str(_file.with_name("test.sqlite3"))}
    case "postgres":
        DATABASES = {"default": database(servers.postgres_url())}
    case other:
        raise ValueError(f"DAYZERO_TEST_DATABASE is {other!r}; it can be sqlite or postgres.")

# Tests never reach a broker that the environment names; those that need one start it.
REDIS_URL = BROKER_URL = SHARED_CACHE_URL = ""
CELERY_BROKER_URL = "memory://"
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
REMINDERS_LEAVE = True
STORED_SECRET_KEYS = ["Zm9yLXRlc3RzLW9ubHktZ3VhcmRzLW5vdGhpbmctLS0="]
REMINDER_DAYS = 3
DEMO_ALLOWED = True
ACCOUNT_RATE_LIMITS = False  # tests of limits set their own
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick, and guards nothing
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
