"""What a participant's trial calls its first treatment and its day zero, for headings, labels and links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from django import forms

from schedules.web.shared.wording import say
from trials.domain.protocols.protocol import Protocol
from trials.domain.protocols.treatment_names import capital, day_zero_name, start_of_treatment

Shown = TypeVar("Shown", bound=forms.BaseForm)


def treatment_words(protocol: Protocol) -> dict[str, str]:
    """Return the names that texts take, in the reader's language; `_first` begins a sentence.

    `given` is what a treatment begins with, `awaited` what it is given for, `zero` is day zero.
    """
    given, awaited = start_of_treatment(protocol)
    names = {"given": given, "awaited": awaited, "zero": day_zero_name(protocol)}
    inside = {name: say(label) for name, label in names.items()}
    return inside | {f"{name}_first": say(capital(label)) for name, label in names.items()}


def name_fields(form: Shown, names: Mapping[str, str]) -> Shown:
    """Give a form's labels the names that they have places for, and return it."""
    for field in form.fields.values():
        if field.label:
            field.label = str(field.label) % names
    return form
