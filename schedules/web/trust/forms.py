"""The forms of signing, of approvals, of consents and of closing a trial."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from participants.models import Consent, Participant
from participants.selectors.consents import forms_of
from participants.services.consent import Correction
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.forms import NO_NAMES, SAY_WHY, SureField, VersionedForm
from trials.models import ConsentForm, Meaning, SiteApproval
from trials.services.protocols.approvals import Approval
from trials.services.protocols.consent_forms import Edition


class Asking(VersionedForm):
    """A form of a record that has no version."""

    version = None  # type: ignore[assignment]


class SignForm(Asking):
    """What the signature means, and who signs; the digest says what was shown."""

    digest = forms.CharField(widget=forms.HiddenInput, max_length=80, required=False)
    meaning = forms.ChoiceField(
        label=gettext_lazy("My signature means"), choices=Meaning.choices, widget=forms.RadioSelect
    )
    user_name = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=150,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, proven: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if proven:
            del self.fields["user_name"]
            del self.fields["password"]


class ApprovalForm(VersionedForm):
    """What an ethics committee said; a reason where it was on record otherwise."""

    approved_on = forms.DateField(label=gettext_lazy("Approved on"), widget=DayInput())
    reference = forms.CharField(label=gettext_lazy("Reference of the committee's letter"), max_length=120)
    usable_from = forms.DateField(
        label=gettext_lazy("Usable from"),
        widget=DayInput(),
        help_text=gettext_lazy("From this day on an investigator may sign, and the site use it."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=300, help_text=NO_NAMES, error_messages={"required": SAY_WHY}
    )

    def __init__(self, *args: Any, standing: SiteApproval | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if standing is None:
            del self.fields["reason"]

    def said(self) -> Approval:
        """What was filled in."""
        given = self.cleaned_data
        return Approval(given["approved_on"], given["reference"], given["usable_from"])


class EditionForm(Asking):
    """An edition of the consent form."""

    version = forms.CharField(  # type: ignore[assignment]
        label=gettext_lazy("Version, as it is printed on the form"), max_length=40
    )
    effective_on = forms.DateField(label=gettext_lazy("Used from"), widget=DayInput())
    consent_again = forms.BooleanField(
        label=gettext_lazy("Asks those who consented to an earlier one to consent again"), required=False
    )

    def said(self) -> Edition:
        """What was filled in."""
        given = self.cleaned_data
        return Edition(given["version"], given["effective_on"], given["consent_again"])


class ConsentGivenForm(Asking):
    """A consent: to which edition, and on which day."""

    form: forms.ModelChoiceField[ConsentForm] = forms.ModelChoiceField(
        queryset=None,
        label=gettext_lazy("Consent form"),
        empty_label=gettext_lazy("Choose …"),
    )
    signed_on = forms.DateField(label=gettext_lazy("Signed on"), widget=DayInput())
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        required=False,
        help_text=gettext_lazy(
            "Only where the consent came after something that it must precede, or on an unlikely day. "
            "Never a name."
        ),
    )
    sure = SureField()

    def __init__(self, participant: Participant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["form"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = forms_of(participant)


class ConsentCorrectionForm(ConsentGivenForm):
    """A consent on record as it should have been; the day of its withdrawal where it was withdrawn."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)  # type: ignore[assignment]
    withdrawn_on = forms.DateField(
        label=gettext_lazy("Withdrawn on"),
        widget=DayInput(),
        required=False,
        help_text=gettext_lazy("Empty where consent was never withdrawn."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=300, help_text=NO_NAMES, error_messages={"required": SAY_WHY}
    )

    def __init__(self, consent: Consent, *args: Any, **kwargs: Any) -> None:
        names = ("version", "form", "signed_on", "withdrawn_on")
        super().__init__(
            consent.participant, *args, initial={name: getattr(consent, name) for name in names}, **kwargs
        )
        if consent.withdrawn_on is None:
            del self.fields["withdrawn_on"]

    def correction(self) -> Correction:
        """What was filled in."""
        given = self.cleaned_data
        return Correction(self.shown(), given["form"], given["signed_on"], given.get("withdrawn_on"))


class WithdrawalForm(Asking):
    """A consent withdrawn."""

    withdrawn_on = forms.DateField(label=gettext_lazy("Withdrawn on"), widget=DayInput())
    reason = forms.CharField(
        label=gettext_lazy("How it was withdrawn"),
        max_length=300,
        help_text=NO_NAMES,
        error_messages={"required": SAY_WHY},
    )
    sure = SureField()


class ClosingForm(Asking):
    """Why a trial is frozen, opened or archived."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=300, error_messages={"required": SAY_WHY}
    )
