"""How allauth behaves here: nobody signs up, axes counts failures, secrets are kept encrypted."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, NoReturn

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from trials.addresses import client_address
from trials.audit.acts import acting
from trials.domain.audit.own_reasons import SIGNED_ON_AT_PROVIDER
from trials.models import User
from trials.selectors.accounts.accounts import account_called, is_bound

UNKNOWN = 403


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are opened by administrators."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _(
            "This user name and this password do not belong together. Look at both again: "
            "capitals matter in the password."
        ),
        "too_many_login_attempts": _("Too many attempts failed. Wait a while, then try again."),
        "incorrect_password": _("This is not your password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Wrong passwords are counted by axes, in the database, for every process alike."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request) or "0.0.0.0"  # noqa: S104 (nothing is bound: no address is known)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account")


class SecondFactorAdapter(DefaultMFAAdapter):
    """Second factors under the user's name, their secrets encrypted by this server's key."""

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def _get_user_identifier(self, user: User) -> str:
        return user.get_username()

    def _get_site_name(self) -> str:
        return str(settings.MFA_TOTP_ISSUER)


def _cipher() -> MultiFernet:
    """The newest SECRET_KEY encrypts; those before it still read."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (hashlib.sha256(b"dayzero second factor" + key.encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


class SingleSignOnAdapter(DefaultSocialAccountAdapter):
    """Single sign-on opens accounts that stand here already, and makes none."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Bind an account to the provider's subject at its first sign-in, by the name that it claims."""
        if sociallogin.is_existing:
            return
        data = sociallogin.account.extra_data
        claims = {**(data.get("id_token") or {}), **(data.get("userinfo") or {})}
        name = str(claims.get(settings.OIDC_USER_NAME_CLAIM) or "").strip()
        user = account_called(name)
        if user is None or is_bound(user, sociallogin.account.provider):
            _refuse(request, name)
        sociallogin.account.extra_data = {}  # who it is at the provider is nothing to keep here
        with acting(user, reason=SIGNED_ON_AT_PROVIDER):
            sociallogin.connect(request, user)


def _refuse(request: HttpRequest, name: str) -> NoReturn:
    user_login_failed.send(sender=__name__, credentials={"username": name}, request=request)
    page = render(request, "account/unknown.html", {"user_name": name}, status=UNKNOWN)
    raise ImmediateHttpResponse(page)
