"""What each person keeps of their own Today page: views with a name, and what they have looked at."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max
from django.utils.translation import gettext as _

from schedules.models import LastLook, SavedView
from trials.domain.errors import Refused
from trials.models import AuditEntry, User

NAME = 40
VIEWS = 12
"""More views than this nobody finds again."""


def save_view(*, user: User, name: str, query: str) -> SavedView:
    """Keep a choice of filters under a name; the same name replaces it. Raises Refused."""
    name = name.strip()
    if not name:
        raise Refused({"name": [_("Give the view a name, such as “Wuhan only”.")]})
    if len(name) > NAME:
        raise Refused({"name": [_("The name is too long: give at most 40 characters.")]})
    others = SavedView.objects.filter(user=user).exclude(name=name)
    if others.count() >= VIEWS:
        message = _("You have %(count)d views already: delete one first.")
        raise Refused({"name": [message % {"count": VIEWS}]})
    view, _created = SavedView.objects.update_or_create(user=user, name=name, defaults={"query": query[:300]})
    return view


def delete_view(*, user: User, pk: int) -> None:
    """Delete one of somebody's own views; another's is left alone."""
    SavedView.objects.filter(user=user, pk=pk).delete()


def mark_as_read(*, user: User, entry: int, now: datetime) -> None:
    """Remember that somebody has read what was changed, up to this entry of the trail; never back."""
    latest = AuditEntry.objects.aggregate(last=Max("id"))["last"] or 0
    look = LastLook.objects.filter(user=user).first()
    read = max(min(entry, latest), look.entry if look else 0)
    LastLook.objects.update_or_create(user=user, defaults={"entry": read, "at": now})
