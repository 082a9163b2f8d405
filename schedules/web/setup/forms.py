"""The forms of sites, of trials and of the documents that trials are made of."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from schedules.web.shared.forms import VersionedForm
from schedules.web.shared.places import PlaceField
from schedules.web.shared.wording import say
from trials.domain.language import Text
from trials.domain.sites.calendar_names import calendar_names, modules_by_code
from trials.domain.sites.zones import zone_names
from trials.domain.words import WEEKDAYS
from trials.formats.protocols import library
from trials.formats.protocols.yaml import read_document
from trials.formats.protocols.yaml_text import read_text
from trials.services.sites.sites import NAMES, NewSite, SiteNames
from trials.web.shared.typed_codes import CodeField
from trials.zones import server_zone

CHINA = "CN"
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TITLE = re.compile(r"^title:.+$", re.MULTILINE)
_EDITION = re.compile(r"^version: *[\"']?([^\s\"'#]+)", re.MULTILINE)


def _text(label: Any, length: int, help_text: Any = "", *, required: bool = False) -> forms.CharField:
    return forms.CharField(label=label, max_length=length, required=required, help_text=help_text)


class SiteNamesForm(VersionedForm):
    """What a site is called, how it is reached, what its cards say, and how many it can treat."""

    name = _text(gettext_lazy("Name of the hospital"), 200, required=True)
    name_zh = _text(gettext_lazy("Name in Chinese"), 200, gettext_lazy("Shown on Chinese pages and cards."))
    short_name = _text(
        gettext_lazy("Short name"),
        40,
        gettext_lazy("Beside subject codes, such as Wuhan; without one the code of the site is shown."),
    )
    short_name_zh = _text(gettext_lazy("Short name in Chinese"), 40)
    night_phone = CodeField(
        label=gettext_lazy("24-hour telephone number"),
        max_length=32,
        required=False,
        help_text=gettext_lazy("Printed on visit cards, for a participant who feels unwell at night."),
    )
    day_phone = CodeField(
        label=gettext_lazy("Telephone number of the study office"), max_length=32, required=False
    )
    bring = _text(
        gettext_lazy("What participants bring"),
        300,
        gettext_lazy("Printed on English visit cards, such as: medicines in their boxes, this card."),
    )
    bring_zh = _text(gettext_lazy("What participants bring, in Chinese"), 300)
    ward_beds = forms.IntegerField(
        label=gettext_lazy("Beds on the ward"), min_value=0, max_value=999, required=False
    )
    infusions_per_day = forms.IntegerField(
        label=gettext_lazy("Infusions a day at most"), min_value=0, max_value=99, required=False
    )

    def names(self) -> SiteNames:
        """What was entered."""
        return SiteNames(**{name: self.cleaned_data[name] for name in NAMES})


class NewSiteForm(SiteNamesForm):
    """A site to be added, with its zone, clinic days and holidays."""

    code = CodeField(
        label=gettext_lazy("Code"),
        max_length=40,
        help_text=gettext_lazy("Short and for good, such as WUHAN-UNION: letters, digits, dots and hyphens."),
    )
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"))
    clinic_days = forms.MultipleChoiceField(
        label=gettext_lazy("Clinic days"),
        widget=forms.CheckboxSelectMultiple,
        choices=[(str(number), gettext_lazy(name)) for number, name in enumerate(WEEKDAYS, start=1)],
        initial=list("12345"),
        help_text=gettext_lazy("The weekdays on which the clinic sees participants."),
    )
    holiday_calendar = forms.ChoiceField(
        label=gettext_lazy("Public holidays"),
        widget=forms.Select(attrs={"data-territories": ""}),
        help_text=gettext_lazy("A year whose official calendar is not out yet is marked as provisional."),
    )
    field_order = (
        *("code", "name", "name_zh", "short_name", "short_name_zh"),
        *("time_zone", "clinic_days", "holiday_calendar"),
    )

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        here = server_zone().key
        zones = [here, *(name for name in zone_names() if name != here)]
        self._choose("time_zone", [(name, name) for name in zones], here)
        countries = modules_by_code()
        codes = sorted(calendar_names(), key=lambda code: (code != CHINA, code))
        # in the reader's language by `fields.js`: browsers know the names of territories in all languages
        named = [(code, f"{code} · {_WORDS.sub(' ', countries[code][1])}") for code in codes]
        self._choose("holiday_calendar", named, CHINA)

    def _choose(self, name: str, choices: list[tuple[str, str]], initial: str) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices, field.initial = choices, initial

    def said(self) -> NewSite:
        """What was entered."""
        data = self.cleaned_data
        days = "".join(sorted(data["clinic_days"]))
        return NewSite(data["code"], data["time_zone"], days, data["holiday_calendar"], self.names())


class DocumentForm(VersionedForm):
    """A protocol document: one that is shipped, a file, or a text."""

    shipped = forms.ChoiceField(
        label=gettext_lazy("A protocol that comes with Dayzero"),
        required=False,
        help_text=gettext_lazy("Read it through against your own protocol before you publish it."),
    )
    file = forms.FileField(
        label=gettext_lazy("Or a file"),
        required=False,
        help_text=gettext_lazy("A protocol document in YAML, format 1 (docs/protocol-format.md)."),
        widget=forms.ClearableFileInput(attrs={"accept": ".yaml,.yml"}),
    )
    document = forms.CharField(
        label=gettext_lazy("Or its text"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "secret"}),
    )
    outside_name = forms.CharField(
        label=gettext_lazy("Name outside"),
        max_length=40,
        required=False,
        help_text=gettext_lazy(
            "What calendars, cards, e-mails and messages call the trial, where its code names a disease. "
            "Empty: the code without the words for its disease."
        ),
    )

    def __init__(self, data: Any = None, files: Any = None, **kwargs: Any) -> None:
        super().__init__(data, files=files, **kwargs)
        field = self.fields["shipped"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Choose …")), *shipped_editions()]

    def clean(self) -> dict[str, Any]:
        """One document is given, and one only."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        given = [name for name in ("shipped", "file", "document") if data.get(name)]
        if not given and not self.errors:
            self.add_error("shipped", _("Choose a protocol or a file, or paste the text of a document."))
        elif len(given) > 1:
            self.add_error(given[-1], _("Give one of them only: a shipped protocol, a file or a text."))
        return data

    def text(self) -> str:
        """The text of the document that was given; raises ValueError for a file that is no text."""
        data = self.cleaned_data
        if data.get("shipped"):
            return read_document(library.path(data["shipped"])).decode("utf-8")
        if data.get("file"):
            found: str = data["file"].read().decode("utf-8-sig")
            return found
        return str(data["document"])


class TrialNamesForm(VersionedForm):
    """What a trial is called on pages and outside."""

    short_name = _text(
        gettext_lazy("Short name"),
        40,
        gettext_lazy("For lists and calendars; without one the code is shown."),
    )
    short_name_zh = _text(gettext_lazy("Short name in Chinese"), 40)
    outside_name = _text(
        gettext_lazy("Name outside"),
        40,
        gettext_lazy("What calendars, cards, e-mails and messages call the trial. Do not name the disease."),
    )
    outside_name_zh = _text(
        gettext_lazy("Name outside in Chinese"),
        40,
        gettext_lazy("Readers of Chinese see this name; without one they see the name outside."),
    )


class TrialSiteForm(VersionedForm):
    """A site at which a trial is to run."""

    site = PlaceField(queryset=None, label=gettext_lazy("Site"), empty_label=gettext_lazy("Choose …"))

    def __init__(self, sites: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        field = self.fields["site"]
        assert isinstance(field, PlaceField)
        field.offer(sites)


def shipped_editions() -> list[tuple[str, str]]:
    """List the shipped editions with versions and titles in the reader's language, a trial's newest first."""
    words = _("%(code)s, version %(version)s · %(title)s")
    return [
        (name, words % {"code": code, "version": version, "title": say(title)})
        for name, code, version, title in _titles()
    ]


@lru_cache(maxsize=1)
def _titles() -> tuple[tuple[str, str, str, str], ...]:
    """Read version and title of each shipped edition, in both languages where it has both; no more."""
    found = []
    for code in library.codes():
        for name in reversed(library.editions(code)):
            document = library.path(name).read_text(encoding="utf-8")
            line, edition = _TITLE.search(document), _EDITION.search(document)
            title = read_text(line[0]).data if line else None
            words = title.get("title") if isinstance(title, dict) else None
            text = Text(words["en"], words["zh"]) if isinstance(words, dict) else str(words or "")
            found.append((name, code, edition[1] if edition else "", text))
    return tuple(found)
