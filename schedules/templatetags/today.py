"""How the Today page writes participants, days, and the parts of its road."""

from __future__ import annotations

from datetime import date

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import pgettext

from participants.models import Participant
from schedules.domain.readiness.road import Stop, StopState
from schedules.models import PREPARATIONS
from schedules.selectors.today.attention import Card, MissingFact
from schedules.selectors.today.parts import Closing
from schedules.web.shared import wording
from schedules.web.shared.back import with_back
from schedules.web.today.words import CLOSING, SHORT_BUTTONS, STATES, STOPS, fact_button, near_here
from schedules.web.windows.fact_wording import code_words

register = template.Library()


@register.filter
def near(day: date | None) -> SafeString | str:
    """A day as one says it (Tue 1 Dec), for people and for machines."""
    if day is None:
        return "–"
    return format_html('<time datetime="{}">{}</time>', day.isoformat(), near_here(day))


@register.filter
def near_words(day: date | None) -> str:
    """A day as one says it, where no element may stand."""
    return "" if day is None else near_here(day)


@register.filter
def weekday_letter(day: date) -> str:
    """A weekday with hardly any room: one letter, or one character."""
    words = str(wording.WEEKDAYS[day.weekday()])
    return words[0] if words.isascii() else words[-1]


@register.filter
def place_of(participant: Participant) -> str:
    """The place that stands beside a subject code."""
    return wording.place_words(participant.site)


@register.filter
def person(participant: Participant) -> str:
    """A participant as nobody mistakes them: code and place."""
    return wording.person_words(participant)


register.filter("person_place", person)


@register.filter
def stop_words(stop: Stop) -> str:
    """A gate on the road to infusion."""
    return str(STOPS[stop])


@register.filter
def state_words(state: StopState) -> str:
    """How somebody stands at a gate."""
    return str(STATES[state])


@register.filter
def closing_words(closing: Closing) -> str:
    """How soon the windows of a group close."""
    return str(CLOSING[closing])


@register.filter
def preparation(kind: str) -> str:
    """What is prepared for a visit."""
    return str(PREPARATIONS[kind])


@register.filter
def fact_words(missing: MissingFact) -> str:
    """What a button says that leads to the form of a missing fact."""
    return fact_button(missing)


@register.simple_tag
def fact_said(card: Card, missing: MissingFact) -> SafeString | str:
    """The same, short where the card names the fact above its button: the rest is for who cannot see it."""
    short = SHORT_BUTTONS.get(missing.kind)
    alone = sum(one.kind is missing.kind for one in card.missing) == 1
    if short is None or not alone or not missing.of:
        return fact_button(missing)
    return format_html(
        '{}<span class="hidden">{}{}</span>', short, pgettext("after a name", ": "), code_words(missing.of)
    )


@register.simple_tag
def fact_address(participant: Participant, missing: MissingFact, back: str) -> str:
    """The form of a missing fact, filled in as far as it is known, which leads back here."""
    address = reverse("fact-new", kwargs={"pk": participant.pk, "kind": missing.kind.value})
    filled = f"{address}?{urlencode({'of': missing.of})}" if missing.of else address
    return with_back(filled, back)


@register.simple_tag
def and_back(name: str, back: str, *args: object) -> str:
    """The address of a page that leads back here."""
    return with_back(reverse(name, args=args), back)
