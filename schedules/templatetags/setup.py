"""What a page that has nothing to show yet says: the next step to the first participant."""

from __future__ import annotations

from typing import Any

from django import template

from schedules.selectors.pages.first_steps import first_steps, nobody_takes_part
from schedules.web.setup.words import shown_next
from schedules.web.shared.clock import now, server_day
from trials.models import User

register = template.Library()


@register.inclusion_tag("setup/comes_next.html", takes_context=True)
def comes_next(context: template.Context) -> dict[str, Any]:
    """The next step with its link, where nobody in sight takes part yet; nothing on any other page.

    It asks the database: a page puts it only where it has nothing else to show.
    """
    user, today = context["request"].user, server_day(now())
    if not isinstance(user, User) or not nobody_takes_part(user, today):
        return {}
    found = first_steps(user, today)
    return {"step": shown_next(found), "found": found}
