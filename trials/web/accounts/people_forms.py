"""What is asked of those who open and close accounts."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trials.domain.accounts.accounts import AccountError, NameNotFit, NameTaken, OwnAccount, ReasonMissing
from trials.domain.refusals import REASON_MISSING
from trials.models import User


def in_words(error: AccountError) -> str:
    """What was wrong and what would be right, in the reader's language."""
    name = {"name": error.user_name}
    match error:
        case NameTaken():
            return _("The user name %(name)s is or was somebody's. Give another one.") % name
        case NameNotFit():
            words = _(
                "%(name)s cannot be a user name. Use Latin letters, digits, dots and hyphens, at most 150."
            )
            return words % name
        case OwnAccount():
            return _("This account is your own. Ask another administrator.")
        case ReasonMissing():
            return _(REASON_MISSING)
    return str(error)


class ReasonForm(forms.Form):
    """Something done to an account, and why."""

    action = forms.ChoiceField(
        choices=[(name, name) for name in ("deactivate", "reactivate", "link", "factors", "confirm")],
        widget=forms.HiddenInput,
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("It is kept in the audit trail."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class CorrectionForm(forms.Form):
    """What may be corrected of an account: never its user name."""

    name = forms.CharField(
        label=gettext_lazy("Printed name"),
        max_length=User._meta.get_field("first_name").max_length or 0,  # noqa: SLF001 (public by custom)
        help_text=gettext_lazy("As it is printed under a signature."),
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        required=False,
        help_text=gettext_lazy("The link to set a password goes there."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("It is kept in the audit trail."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class OpeningForm(CorrectionForm):
    """A new account."""

    user_name = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=150,
        help_text=gettext_lazy("For one person, for good: it can never be changed or given to another."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    field_order = ("user_name", "name", "email", "reason")
