"""How our pages write deviations."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from schedules.models import Deviation, Visit
from schedules.selectors.deviations.log import deviations_of_visit
from schedules.web.shared.record_words import deviation_about
from schedules.web.shared.wording import say
from trials.domain.stored_sentences import facts_text

register = template.Library()


@register.inclusion_tag("deviations/of_visit.html")
def deviations_of(visit: Visit) -> dict[str, Any]:
    """What a visit departed in from the protocol, in lines that lead there; nothing for nothing."""
    return {"rows": deviations_of_visit(visit)}


@register.filter
def said(message: str) -> str:
    """A marked message in the reader's language."""
    return say(message)


@register.filter
def record_says(one: Deviation) -> str:
    """What the record says of a deviation, in the reader's language."""
    return facts_text(one.facts, say)


register.filter("about", deviation_about)


@register.filter
def days_off(days: int | None) -> str:
    """How many days before or after a window; nothing for none."""
    if not days:
        return ""
    if days < 0:
        return ngettext("%(days)d day early", "%(days)d days early", -days) % {"days": -days}
    return ngettext("%(days)d day late", "%(days)d days late", days) % {"days": days}


@register.filter
def yes_no(answer: bool | None) -> str:
    """An answer in a word; a dash where there is none yet."""
    return "–" if answer is None else _("yes") if answer else _("no")
