"""A machine of one's own: works with an empty environment."""

from config.settings.base import *
from config.settings.base import env

DEBUG = env.bool("DEBUG", default=True)
SECRET_KEY = env.str("SECRET_KEY", default="django-insecure-for-development-only-never-in-production")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
STORED_SECRET_KEYS = env.list("STORED_SECRET_KEYS", default=["ZGV2ZWxvcG1lbnQtb25seS1uZXZlci1pbi1wcm9kdWM="])

# Static files are served from where they lie, so nothing has to be collected first.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True

# E-mail lies in a folder to be looked at, unless the environment says how it leaves.
REMINDERS_LEAVE = True
if not env.str("EMAIL_URL", default=""):
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = BASE_DIR / "outbox"

# Made-up participants and accounts may be loaded.
DEMO_ALLOWED = True
