"""What holds everywhere. Everything the environment may set is read here by its name in .env.example."""

from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config.settings.accounts import *
from config.settings.accounts import OIDC_ORIGINS

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = environ.Env()

# --- the application ---------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",  # before the admin, whose templates it replaces
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "trials",
    "participants",
    "schedules",
    # after ours, which lay the function that their triggers call
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django.contrib.humanize",
]

MIDDLEWARE = [
    "config.logs.RequestLogMiddleware",
    "trials.request_clock.ClockMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.compression.PageCompressionMiddleware",
    "schedules.web.feeds.middleware.FeedMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.csp.AdminPolicyMiddleware",
    "config.csp.BrowserPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "schedules.web.reminders.language.AccountLanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "trials.web.accounts.sessions.IdleSessionMiddleware",
    "trials.web.accounts.sessions.SecondFactorMiddleware",
    "schedules.web.shared.sent_once.SentOnceMiddleware",
    "trials.web.shared.acting.ActMiddleware",
    "trials.web.shared.frozen.FrozenMiddleware",
    "trials.web.shared.page_days.PageDaysMiddleware",
    "trials.web.shared.query_params.QueryMiddleware",
    "axes.middleware.AxesMiddleware",
]

# In a cookie they would be lost with the first of two answers (schedules/web/shared/sent_once.py).
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

FORM_RENDERER = "trials.web.shared.rendering.Renderer"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "schedules.web.shared.shell.shell",
            ],
        },
    },
]

# --- the database ------------------------------------------------------------------------------
SQLITE_OPTIONS: dict[str, Any] = {
    # Writers wait for each other instead of failing half way: the lock is taken at BEGIN.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # The last lets REPLACE, which deletes rows unseen, fire the triggers that refuse a deletion.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA recursive_triggers=ON;",
}


# About a quarter of what PostgreSQL takes for granted: what is read here lies in memory or on a disk without
# a head. By its own figure it reads every visit there is, to find those of one site's people. Empty for a
# pooler that takes no options.
POSTGRES_PLANNING = env.str("DB_PLANNING", default="--random_page_cost=1.1")


def database(url: str) -> dict[str, Any]:
    """Read a database's address, and give SQLite the settings that make it fit for several processes."""
    settings: dict[str, Any] = environ.Env.db_url_config(url)
    if settings["ENGINE"] == "django.db.backends.sqlite3":
        settings["OPTIONS"] = SQLITE_OPTIONS | settings.get("OPTIONS", {})
    elif POSTGRES_PLANNING:
        settings["OPTIONS"] = {"options": POSTGRES_PLANNING} | settings.get("OPTIONS", {})
    return settings


DATABASES = {
    "default": database(env.str("DATABASE_URL", default="") or f"sqlite:///{BASE_DIR}/dayzero.sqlite3")
}
# How many may hold a connection at once; production counts them in the environment (config/connections.py).
WEBS, WEB_PROCESSES, WEB_THREADS, WORKERS, CELERY_WORKER_CONCURRENCY = 1, 1, 1, 1, 1
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- who may come in: config/settings/accounts.py; here is what their browsers are told -----------
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

# --- what may be sent here -----------------------------------------------------------------------
# Bytes: of a form without its files, and of all files of a request together (trials/web/shared/uploads.py).
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 5
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", default=10 * 1024 * 1024)
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# a sheet may hold what nobody else on the machine should read
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_HANDLERS = [
    "trials.web.shared.uploads.LimitedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# Everything comes from this server; the admin's exception stands in config/csp.py.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF, *OIDC_ORIGINS],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}

# --- language and time -------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
# The language that somebody chose is kept as long as the light is, and not only until the browser closes.
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_TZ = True
# Of the server's own pages; every site has a zone of its own.
TIME_ZONE = env.str("TIME_ZONE", default="") or "Asia/Shanghai"
if TIME_ZONE not in available_timezones():
    raise ImproperlyConfigured(
        f"TIME_ZONE is {TIME_ZONE!r}, which is no IANA name; give one such as Asia/Shanghai or Europe/Berlin."
    )

# --- files -------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]

# --- background work ---------------------------------------------------------------------------
# Without Redis everything runs in one process: tasks at once, the beat as one process of its own.
# One server for both, or one for each: what is counted may be thrown out, what is rung must not be.
REDIS_URL = env.str("REDIS_URL", default="")
BROKER_URL = env.str("BROKER_URL", default="") or REDIS_URL
SHARED_CACHE_URL = env.str("SHARED_CACHE_URL", default="") or REDIS_URL
CELERY_BROKER_URL = BROKER_URL or "memory://localhost"
CELERY_TASK_ALWAYS_EAGER = not BROKER_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # the database is the queue: a late acknowledgement only doubles work
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = TIME_ZONE
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CACHES = {
    "default": (
        {
            "BACKEND": "config.caching.ForgivingRedisCache",
            "LOCATION": SHARED_CACHE_URL,
            "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
        }
        if SHARED_CACHE_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    ),
}

# --- reminders ---------------------------------------------------------------------------------
# How many days before a window closes somebody is told, where neither trial nor site says otherwise; not
# given, as the rule assumes (schedules/domain/reminders/rules.py).
REMINDER_DAYS: int | None = env.int("REMINDER_DAYS", default=None)
# Where people open Dayzero, such as https://dayzero.example.org: messages then carry a link.
PUBLIC_ADDRESS = env.str("PUBLIC_ADDRESS", default="").rstrip("/")
# How many clinic days ahead what can be foreseen (a test, lodging, a line of the list before the start) is
# asked for as a flag.
FLAG_LEAD_DAYS = env.int("FLAG_LEAD_DAYS", default=3)
# How old a claim of a worker grows before another one takes the message up: the worker has died.
REMINDER_CLAIM_SECONDS = env.int("REMINDER_CLAIM_SECONDS", default=900)
# Without a way for e-mail to leave, reminders are written and kept, and nothing claims to have sent them.
REMINDERS_LEAVE = bool(env.str("EMAIL_URL", default=""))
if REMINDERS_LEAVE:
    vars().update(env.email_url("EMAIL_URL"))
    if vars()["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
        EMAIL_BACKEND = "trials.bounded_mail.EmailBackend"  # ends in time whatever the server does
EMAIL_TIMEOUT = env.int(
    "EMAIL_TIMEOUT", default=10
)  # a worker must not hold its claims for longer than they are worth
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="dayzero@localhost")

# --- what leaves for addresses that people enter (channels, webhooks) ----------------------------
# Whether this installation has a way out to other servers at all; without it bell and e-mail remain.
OUTBOUND = env.bool("OUTBOUND", default=True)
# Internal networks that may be connected to, such as 10.20.0.0/16; else public addresses alone.
OUTBOUND_NETWORKS = env.list("OUTBOUND_NETWORKS", default=[])
# A file of certificates to trust in place of the public ones: where a hospital signs its own.
OUTBOUND_CA_FILE = env.str("OUTBOUND_CA_FILE", default="")
# What stored secrets of channels and webhooks are encrypted with, the newest key first.
STORED_SECRET_KEYS = env.list("STORED_SECRET_KEYS", default=[])

# --- what is for trying out ----------------------------------------------------------------------
# Whether made-up participants and accounts with a known password may be loaded. No environment sets it.
DEMO_ALLOWED = False

# --- the API -----------------------------------------------------------------------------------
REST_FRAMEWORK = {
    # The first one names what a 401 asks for.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "trials.api.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["trials.api.permissions.ReadsParticipants"],
    "DEFAULT_RENDERER_CLASSES": ["trials.api.rendering.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["trials.api.bodies.StrictJSONParser"],
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "trials.api.schema.ProblemSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "trials.api.errors.DomainExceptionHandler",
    "EXCEPTION_FORMATTER_CLASS": "trials.api.errors.ProblemFormatter",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Dayzero",
    "VERSION": "1",
    "DESCRIPTION": "Visits and participants for an EDC system. Days are whole days in the site's zone. "
    "Follow `next` as it is given; nothing is counted. Lists go by id, so that a full read misses nothing "
    "that is re-planned meanwhile.",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "OAS_VERSION": "3.1.1",
    "ENUM_NAME_OVERRIDES": {
        "Basis": "schedules.models.Basis.values",
        "DeviationKind": "schedules.api.reading.follow_up.DEVIATION_KINDS",
        "Effect": "schedules.api.replanning.EFFECTS",
        "FactKind": "schedules.api.reading.people.FACT_KINDS",
        "RecordedFactKind": "schedules.api.records.KINDS",
        "FlagKind": "schedules.api.reading.follow_up.FLAG_WORDS",
        "VisitTiming": "schedules.models.VisitTiming.values",
        "WindowKind": "schedules.api.reading.participants.WINDOW_KINDS",
    },
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "schedules.api.schema_words.describe",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- the admin's dress -------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "Dayzero",
    "SITE_HEADER": "Dayzero",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "config.records.favicon"}],
    "SHOW_LANGUAGES": True,
    # Its colours come from our stylesheet: written into the page, our policy refuses them.
    "GLOBAL_CALLBACK": "config.records.context",
    "STYLES": ["config.records.stylesheet"],
    "SIDEBAR": {"navigation": "config.records.navigation"},
    # The palette keeps results for five minutes, even after a permission is withdrawn.
    "COMMAND": {"search_models": False},
}

# --- the audit trail ---------------------------------------------------------------------------
# Where seal_audit appends the heads of its seals; best a place that this machine cannot rewrite.
AUDIT_HEADS_FILE = env.str("AUDIT_HEADS_FILE", default="")
# Whom the heads are sent to by e-mail, too; wants EMAIL_URL.
AUDIT_HEADS_TO = env.list("AUDIT_HEADS_TO", default=[]) if REMINDERS_LEAVE else []

# --- after the end of a trial --------------------------------------------------------------------
# For how many years the records of a closed trial are kept at least; counted when it is frozen and
# again when it is archived. A day that was set is never made an earlier one.
RETENTION_YEARS = env.int("DAYZERO_RETENTION_YEARS", default=30)

# --- logs, measures, reports of errors -------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
# text, or json for programs that collect logs
LOG_FORMAT = env.str("LOG_FORMAT", default="") or "text"
if LOG_FORMAT not in {"text", "json"}:
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}; it can be text or json.")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"route": {"()": "config.logs.RouteInsteadOfPath"}},
    "formatters": {
        "text": {
            "()": "config.logs.IdsOnlyFormatter",
            "format": "{asctime} {levelname} {name} {message}",
            "datefmt": "%Y-%m-%dT%H:%M:%S%z",
            "style": "{",
        },
        "json": {"()": "config.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["route"]},
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # One line a request; production turns it on.
        "dayzero.requests": {"level": "WARNING"},
        # Django gives these two handlers of their own, which would write the address.
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        # These write names and addresses, which the database keeps for those who may read them.
        "axes": {"handlers": [], "level": "CRITICAL", "propagate": False},
        "allauth": {"handlers": [], "level": "CRITICAL", "propagate": False},
        "fido2": {"level": "WARNING"},  # below that it writes which passkey was shown
        "httpx": {"level": "WARNING"},  # below that it writes every address it asks
        "urllib3": {"level": "WARNING"},
    },
}
# A request for /metrics/ shows this word as a bearer token; without it there is no such page.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# Where errors are reported to (frames and types, nothing that was entered), and under which name.
SENTRY_DSN = env.str("SENTRY_DSN", default="")
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", default="production")

# --- backups ---------------------------------------------------------------------------------------
# The folder of `manage.py backup`, and how many hours old the newest may grow before it is said.
BACKUP_FOLDER = env.str("BACKUP_FOLDER", default="")
BACKUP_HOURS = env.int("BACKUP_HOURS", default=26)
# The folder of pg_dump and pg_restore, where they are not found by themselves.
POSTGRES_TOOLS = env.str("POSTGRES_TOOLS", default="")

# Points by which days zero are compared, as `shifted=2,week=0`: no protocol says them. Names and defaults
# stand in schedules/domain/readiness/day_zero_search.py.
DAY_ZERO_WEIGHTS = {
    name: int(points) for name, points in env.dict("DAYZERO_DAY_ZERO_WEIGHTS", default={}).items()
}
