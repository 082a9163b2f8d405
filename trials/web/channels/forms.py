"""What is entered of a channel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trials.models import Site, Trial
from trials.models.channels import CHANNEL_KINDS, LANGUAGES
from trials.services.channels.channels import ChannelSaid
from trials.spoken import site_name


class RenewForm(forms.Form):
    """The name of a channel, its address and secret, and in which language it speaks."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=80,
        help_text=gettext_lazy("As people at the site call it, such as: group of the ward."),
    )
    address = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=2000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("As the receiver shows it. It is stored encrypted and never shown again."),
    )
    secret = forms.CharField(
        label=gettext_lazy("Secret"),
        max_length=200,
        required=False,
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "off"}),
        help_text=gettext_lazy(
            "DingTalk and Feishu: the secret of the signature, if you chose one there. "
            "ntfy: the access token. Signed POST: leave it empty to have one made. Other channels have none."
        ),
    )
    keyword = forms.CharField(
        label=gettext_lazy("Keyword"),
        max_length=40,
        required=False,
        help_text=gettext_lazy(
            "DingTalk and Feishu: the word that every message must hold, if you set one there."
        ),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language of its messages"), choices=list(LANGUAGES.items())
    )

    def said(self, kind: str = "") -> ChannelSaid:
        """What was entered."""
        data = self.cleaned_data
        return ChannelSaid(
            data.get("kind") or kind,
            data["name"],
            data["address"],
            data["secret"],
            data["keyword"],
            data["language"],
        )


class ChannelForm(RenewForm):
    """A new channel: also its kind, and whom it reaches."""

    reaches = forms.ChoiceField(
        label=gettext_lazy("Reaches"),
        help_text=gettext_lazy(
            "A group hears of everything at its site or in its trial; you of what concerns you."
        ),
    )
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=list(CHANNEL_KINDS.items()))
    field_order = ("reaches", "kind", "name", "address", "secret", "keyword", "language")

    def __init__(self, data: Any, *, sites: Iterable[Site], trials: Iterable[Trial], **given: Any) -> None:
        super().__init__(data, **given)
        self.sites = {f"site-{site.pk}": site for site in sites}
        self.trials = {f"trial-{trial.pk}": trial for trial in trials}
        reaches = self.fields["reaches"]
        assert isinstance(reaches, forms.ChoiceField)
        reaches.choices = [
            ("me", _("Me")),
            *(
                (key, _("Group at site %(name)s") % {"name": f"{one.code} {site_name(one)}"})
                for key, one in self.sites.items()
            ),
            *((key, _("Group of trial %(name)s") % {"name": one.called}) for key, one in self.trials.items()),
        ]

    def place(self) -> dict[str, Any]:
        """The site or trial that it reaches; nothing where it is one's own."""
        reaches = self.cleaned_data["reaches"]
        return {"site": self.sites.get(reaches), "trial": self.trials.get(reaches)}
