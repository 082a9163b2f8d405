"""The forms of signing in: by user name and password, and by the code of a second factor."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.utils.translation import gettext_lazy as _


class SignInForm(LoginForm):
    """User name and password."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        login, password = self.fields["login"], self.fields["password"]
        login.label, password.label = _("User name"), _("Password")
        password.help_text = ""
        plain = {"autocapitalize": "none", "spellcheck": "false"}
        login.widget.attrs = {"autocomplete": "username", "maxlength": "150"} | plain
        password.widget.attrs = {"autocomplete": "current-password"}


class _NotLocked:
    """No code is looked at while the account is locked, not even the right one."""

    def clean_code(self) -> str:
        user = self.user  # type: ignore[attr-defined]
        if not AxesProxyHandler.is_allowed(context.request, {"username": user.get_username()}):
            raise get_adapter().validation_error("too_many_login_attempts")
        code: str = super().clean_code()  # type: ignore[misc]
        return code


class CodeForm(_NotLocked, AuthenticateForm):
    """The second factor of a sign-in."""


class CodeAgainForm(_NotLocked, ReauthenticateForm):
    """The second factor again, before a sensitive act."""


class PasskeyForm(AddWebAuthnForm):
    """A passkey to be added, and what its owner calls it."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("What you call this passkey")


class PasskeyNameForm(EditWebAuthnForm):
    """Another name for a passkey."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("What you call this passkey")


class FormerPasswordForm(forms.Form):
    """The password that an account had before somebody else changed it."""

    password = forms.CharField(
        label=_("Password of before"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
