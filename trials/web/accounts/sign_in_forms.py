"""The forms of signing in: by user name and password, and by the code of a second factor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm, ResetPasswordKeyForm
from allauth.core import context
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.forms.fields import InvalidJSONInput
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


class PasswordBehindLinkForm(ResetPasswordKeyForm):
    """The password that the owner of an account sets behind a link: the first one or another."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        for name, label in (("password1", _("Password")), ("password2", _("Password again"))):
            self.fields[name].label = label
            self.fields[name].widget.attrs.pop("placeholder", None)


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
    """Asks for the second factor again, before a sensitive act."""


class CredentialField(forms.JSONField):
    """What a passkey says, as JSON: nesting without end is no JSON of a passkey."""

    def to_python(self, value: Any) -> Any:
        """Read it; raises ValidationError for anything that is not one object."""
        try:
            found = super().to_python(value)
        except RecursionError as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error
        if found is not None and not isinstance(found, dict):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What is shown again of it: nothing that cannot be read."""
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return InvalidJSONInput("")


@contextmanager
def _refusing_misshapen() -> Iterator[None]:
    """Refuse JSON that has not the shape of a passkey's answer; the library trips over it in many ways."""
    try:
        yield
    except (AttributeError, KeyError, LookupError, TypeError, ValueError) as error:
        raise get_mfa_adapter().validation_error("incorrect_code") from error


class LoginPasskeyForm(LoginWebAuthnForm):
    """Signing in by a passkey."""

    credential = CredentialField(required=True, widget=forms.HiddenInput)

    def clean_credential(self) -> Authenticator:
        with _refusing_misshapen():
            return super().clean_credential()


class PasskeyAgainForm(ReauthenticateWebAuthnForm):
    """A passkey again, before a sensitive act."""

    credential = CredentialField(required=True, widget=forms.HiddenInput)

    def clean_credential(self) -> Authenticator:
        with _refusing_misshapen():
            return super().clean_credential()


class PasskeyForm(AddWebAuthnForm):
    """A passkey to be added, and what its owner calls it."""

    credential = CredentialField(required=True, widget=forms.HiddenInput)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("What you call this passkey")

    def clean(self) -> dict[str, Any]:
        with _refusing_misshapen():
            cleaned: dict[str, Any] = super().clean()
        return cleaned


class PasskeyNameForm(EditWebAuthnForm):
    """Another name for a passkey."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("What you call this passkey")


class FormerPasswordForm(forms.Form):
    """The password that an account had before somebody else changed it."""

    password = forms.CharField(
        label=_("Former password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
