"""Accounts: how one signs in, with what second factor, when a session ends, what is refused."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import environ

env = environ.Env()

AUTH_USER_MODEL = "trials.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: nobody is let in whom it has locked out
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "today"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_RESET_TIMEOUT = 48 * 3600  # how long a link to set a password holds, in seconds

# --- signing in: administrators open accounts, nobody signs up -----------------------------------
ACCOUNT_ADAPTER = "trials.web.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]  # which also says that one signs in by password
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_FORMS = {
    "login": "trials.web.accounts.sign_in_forms.SignInForm",
    "reset_password_from_key": "trials.web.accounts.sign_in_forms.PasswordBehindLinkForm",
}
MFA_FORMS = {
    "authenticate": "trials.web.accounts.sign_in_forms.CodeForm",
    "reauthenticate": "trials.web.accounts.sign_in_forms.CodeAgainForm",
    "add_webauthn": "trials.web.accounts.sign_in_forms.PasskeyForm",
    "login_webauthn": "trials.web.accounts.sign_in_forms.LoginPasskeyForm",
    "reauthenticate_webauthn": "trials.web.accounts.sign_in_forms.PasskeyAgainForm",
    "edit_webauthn": "trials.web.accounts.sign_in_forms.PasskeyNameForm",
}
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300  # for how many seconds a confirmation of who one is holds
ACCOUNT_LOGIN_TIMEOUT = 900  # how long the second factor may take after the first, in seconds
ACCOUNT_SESSION_REMEMBER = False  # a session ends with the browser: keyboards are shared
# Wrong passwords are counted by axes below, in the database; these hold for each web process
# (for all of them with Redis). login_failed counts wrong codes of a second factor.
ACCOUNT_RATE_LIMITS: dict[str, str] | bool = {
    "login": "60/m/ip",
    "login_failed": "20/m/ip,5/5m/key",
    "change_password": "5/m/user",
}

# --- second factors ------------------------------------------------------------------------------
MFA_ADAPTER = "trials.web.accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_ALLOW_UNVERIFIED_EMAIL = True  # e-mail addresses open nothing here
MFA_TOTP_ISSUER = "Dayzero"
# one step of 30 seconds to either side, for a phone whose clock is off; RFC 6238 (5.2) asks for no more
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Who must have a second factor: roles, "superuser", or "everybody"; nobody on a machine of one's own.
SECOND_FACTOR_ROLES = env.list("SECOND_FACTOR_ROLES", default=[])

# --- failures are counted, recorded for good, and lock the account for a while -------------------
AXES_FAILURE_LIMIT = env.int("SIGN_IN_FAILURES", default=5)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("SIGN_IN_LOCK_MINUTES", default=15))
# The account alone: hospitals share an address. That check wants an address counted too, since one
# who guesses could go from account to account; the limit "login" above counts addresses.
AXES_LOCKOUT_PARAMETERS = ["username"]
SILENCED_SYSTEM_CHECKS = ["axes.W006"]
AXES_USERNAME_CALLABLE = "trials.web.accounts.sign_in.counted_name"
AXES_CLIENT_IP_CALLABLE = "trials.addresses.client_address"
AXES_LOCKOUT_CALLABLE = "trials.web.accounts.sign_in.locked_out"
# four slips in the course of a year are no guessing: they are forgotten once somebody is in
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # else anyone who knows a name locks it for good
AXES_ENABLE_ACCESS_FAILURE_LOG = True
# axes deletes the oldest failures of an account beyond this number, and none may go (21 CFR 11.300(d))
AXES_ACCESS_FAILURE_LOG_PER_USER_LIMIT = 1_000_000
AXES_ENABLE_ADMIN = False  # there is a page for it
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = [
    *("username", "ip_address", "login", "password1", "password2", "oldpassword", "code", "credential"),
    *("next", "csrfmiddlewaretoken", "key"),
]

# --- sessions ------------------------------------------------------------------------------------
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=30)
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "trials.web.shared.kept_forms.token_refused"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True  # forms carry the token themselves
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# --- single sign-on, where the environment names a provider --------------------------------------
OIDC_SERVER_URL = env.str("OIDC_SERVER_URL", default="").rstrip("/")
# Which claim of the provider is somebody's user name here, at the first sign-in; then the subject holds.
OIDC_USER_NAME_CLAIM = env.str("OIDC_USER_NAME_CLAIM", default="preferred_username")
SOCIALACCOUNT_ADAPTER = "trials.web.accounts.adapters.SingleSignOnAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "sso",
                "name": env.str("OIDC_NAME", default="Single sign-on"),
                "client_id": env.str("OIDC_CLIENT_ID", default=""),
                "secret": env.str("OIDC_CLIENT_SECRET", default=""),
                "settings": {"server_url": OIDC_SERVER_URL},
            }
        ]
        if OIDC_SERVER_URL
        else [],
    }
}
# Browsers hold a form to its policy through redirections too.
OIDC_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(OIDC_SERVER_URL))] if OIDC_SERVER_URL else []

# --- proxies -------------------------------------------------------------------------------------
# How many proxies of our own stand before Dayzero; the address before theirs is the visitor's.
PROXY_COUNT = 1 if env.bool("BEHIND_PROXY", default=False) else 0
ALLAUTH_TRUSTED_PROXY_COUNT = PROXY_COUNT
