"""The form that an enrolment is written into: its anchors and traits are those of the protocol version."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from participants.services import ConsentGiven
from schedules.domain.errors import EnrolmentRefused
from schedules.domain.plan.labels import in_language
from schedules.selectors.pages.enrolment import (
    LastPlace,
    cohorts_of,
    consent_forms_of,
    contradictions_of,
    sites_to_enrol_at,
    versions_to_enrol_under,
)
from schedules.services.enrolment.enrolling import Enrolment
from schedules.web.shared.anchor_fields import PLANNED, AnchorFieldsMixin, DayInput, mended, recorded_anchors
from schedules.web.shared.forms import SureField, without_question
from schedules.web.shared.places import PlaceField
from schedules.web.shared.wording import say
from trials import request_clock
from trials.domain.protocols.protocol import EventAfter, Protocol
from trials.models import Cohort, ConsentForm, ProtocolVersion, Site, User
from trials.selectors.records import protocol_of
from trials.web.shared.refusals import put_refusals
from trials.web.shared.typed_codes import CodeField
from trials.zones import zone_of

__all__ = ["PLANNED", "EnrolmentForm", "PlaceForm", "mended"]


class VersionChoice(forms.ModelChoiceField):
    """Protocol versions by their trial's code, a draft named as one."""

    def label_from_instance(self, obj: ProtocolVersion) -> str:
        """A trial's code and the version's name, and that it is a draft where it is one."""
        words = {"trial": obj.trial.code, "version": obj.label}
        if obj.published_at:
            return f"{obj.trial.code} · {obj.label}"
        return _("%(trial)s · %(version)s (not published)") % words


class PlaceForm(forms.Form):
    """Where somebody is enrolled and under which version: what the rest of the form hangs on."""

    version: forms.ModelChoiceField[ProtocolVersion] = VersionChoice(
        queryset=None,
        label=gettext_lazy("Trial and protocol version"),
        empty_label=gettext_lazy("Choose …"),
    )
    site = PlaceField(queryset=None, label=gettext_lazy("Site"), empty_label=gettext_lazy("Choose …"))

    def __init__(self, user: User, today: date, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        version, site = self.fields["version"], self.fields["site"]
        assert isinstance(version, forms.ModelChoiceField)
        assert isinstance(site, PlaceField)
        version.queryset = versions_to_enrol_under(user, today)
        site.offer(sites_to_enrol_at(user, today))

    def begin_at(self, place: LastPlace | None) -> None:
        """Begin with the site and version under which somebody was enrolled last."""
        if place:
            self.initial.update(version=place.version, site=place.site)


class EnrolmentForm(AnchorFieldsMixin, PlaceForm):
    """The whole form, made for one protocol version."""

    subject_code = CodeField(
        label=gettext_lazy("Subject code"),
        max_length=32,
        help_text=gettext_lazy(
            "Capital letters, digits and hyphens, at least one digit among them, such as S01-003 or 01001; "
            "never a name."
        ),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )
    cohort: forms.ModelChoiceField[Cohort] = forms.ModelChoiceField(
        queryset=None,
        required=False,
        label=gettext_lazy("Cohort"),
        empty_label=pgettext_lazy("cohort", "None"),
    )
    consent_form: forms.ModelChoiceField[ConsentForm] = forms.ModelChoiceField(
        queryset=None,
        required=False,
        label=gettext_lazy("Consent form"),
        empty_label=pgettext_lazy("consent form", "None yet"),
    )
    signed_on = forms.DateField(
        required=False,
        label=gettext_lazy("Signed on"),
        widget=DayInput(),
        help_text=gettext_lazy("The anchor “consent” is set to this day."),
    )
    no_consent_reason = forms.CharField(
        required=False,
        max_length=500,
        label=gettext_lazy("Or why no form is on record yet"),
        help_text=gettext_lazy("Nobody is enrolled without a consent form or a reason; never a name."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    reason = forms.CharField(
        required=False,
        max_length=500,
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("Why it happened against the protocol, or on an unlikely day; never a name."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    sure = SureField()
    history = forms.BooleanField(
        required=False,
        label=gettext_lazy("A history is entered next"),
        help_text=gettext_lazy("Nothing is judged, drafted or flagged until you say that it is complete."),
    )
    traits = forms.MultipleChoiceField(
        required=False, label=gettext_lazy("Traits"), widget=forms.CheckboxSelectMultiple
    )
    comes_of_age_on = forms.DateField(
        required=False,
        label=gettext_lazy("Comes of age on"),
        help_text=gettext_lazy("For a minor: the day of majority, never the day of birth."),
        widget=DayInput(),
    )

    def __init__(self, version: ProtocolVersion, user: User, today: date, data: Any = None) -> None:
        super().__init__(user, today, data)
        self.chosen = version
        self.protocol: Protocol = in_language(protocol_of(version), say)
        cohort, traits = self.fields["cohort"], self.fields["traits"]
        assert isinstance(cohort, forms.ModelChoiceField)
        assert isinstance(traits, forms.MultipleChoiceField)
        cohort.queryset = cohorts_of(version.trial)
        consent = self.fields["consent_form"]
        assert isinstance(consent, forms.ModelChoiceField)
        self.editions = list(consent_forms_of(version.trial))
        consent.queryset = consent_forms_of(version.trial)
        in_use = [one.pk for one in self.editions if one.effective_on <= today]
        self.initial["consent_form"] = in_use[-1] if in_use else None
        traits.choices = [(trait.code, trait.label) for trait in self.protocol.traits if not trait.always]
        self._drop_what_the_protocol_has_not()
        self.add_anchors()

    def _drop_what_the_protocol_has_not(self) -> None:
        terms = (window.terms for window in self.protocol.windows)
        if not any(isinstance(term, EventAfter) and term.age for term in terms):
            del self.fields["comes_of_age_on"]
        if not any(not trait.always for trait in self.protocol.traits):
            del self.fields["traits"]

    def hour_zone(self, name: str) -> ZoneInfo | None:
        """The zone of the site that was chosen."""
        site = self.cleaned_data.get("site")
        return zone_of(site) if site else None

    def question(self) -> list[BoundField]:
        """The field of an unlikely day, once it is asked."""
        return without_question(self, [self["sure"]])

    def clean_subject_code(self) -> str:
        """The code as it is stored: capital letters without blanks around them."""
        return str(self.cleaned_data["subject_code"]).strip().upper()

    def clean(self) -> dict[str, Any]:
        """The day of a signature belongs to a form."""
        cleaned = super().clean()
        if cleaned.get("signed_on") and not cleaned.get("consent_form") and "consent_form" not in self.errors:
            self.add_error("consent_form", _("Choose the edition of the form that was signed."))
        return cleaned

    def _consent(self) -> ConsentGiven | None:
        form, signed_on = self.cleaned_data.get("consent_form"), self.cleaned_data.get("signed_on")
        return ConsentGiven(form, signed_on) if form and signed_on else None

    def enrolment(self) -> Enrolment:
        """What the form asks for; only of a form that is valid so far."""
        data = self.cleaned_data
        site: Site = data["site"]
        return Enrolment(
            trial=self.chosen.trial,
            site=site,
            version=self.chosen,
            subject_code=data["subject_code"],
            anchors=recorded_anchors(self.protocol, data, self.instants),
            traits=frozenset(data.get("traits", ())),
            cohort=data.get("cohort"),
            comes_of_age_on=data.get("comes_of_age_on"),
            now=request_clock.now(),
            reason=data.get("reason", ""),
            consent=self._consent(),
            no_consent_reason=data.get("no_consent_reason", ""),
            history=bool(data.get("history")),
            sure=bool(data.get("sure")),
        )

    def refuse(self, refused: EnrolmentRefused) -> None:
        """Put what was refused next to the fields that it is about, with the days that would mend it."""
        self.fields["reason"].required = bool({"reason", "sure"} & refused.fields.keys())
        self.anchor_refusals.extend(refused.fields.get("anchors", ()))
        put_refusals(self, {name: said for name, said in refused.fields.items() if name != "anchors"})
        site = self.cleaned_data.get("site")
        if site and "anchors" in refused.fields:
            zone = zone_of(site)
            anchors = recorded_anchors(self.protocol, self.cleaned_data, self.instants)
            traits = self.cleaned_data.get("traits", [])
            self.contradicted_by(contradictions_of(self.protocol, anchors, traits, zone))
