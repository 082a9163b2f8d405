"""The sites and trials of a filter or a form: all of them where they are few, else searched by name.

A page with five hundred sites in its filter is 20 KB larger on each of its addresses, for all who read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.query_params import number
from trials.keyset import row_id
from trials.models import Site, Trial, User
from trials.selectors.records import sites_visible_to, trials_visible_to
from trials.spoken import site_name, trial_name
from trials.web.shared.query_params import QueryRefused, choice_in

MOST, FOUND = 50, 20
"""How many a select holds, and how many a search shows."""
BETWEEN = " · "
LONGEST = 80
_VISIBLE: dict[str, Callable[[User, date], QuerySet[Any]]] = {
    "site": sites_visible_to,
    "trial": trials_visible_to,
}
PLACES = frozenset(_VISIBLE)
_NAMES = {
    "site": ("code", "name", "name_zh", "short_name", "short_name_zh"),
    "trial": ("code", "title", "short_name", "short_name_zh", "registry_id"),
}


@dataclass(frozen=True, slots=True)
class Offered:
    """What a filter offers: its rows where they are few, else the words of the one that is chosen."""

    rows: Sequence[Any]
    count: int
    chosen: str = ""

    @property
    def many(self) -> bool:
        """Whether one is searched for instead of chosen from a list."""
        return self.count > MOST

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def __len__(self) -> int:
        return self.count


def offered(rows: QuerySet[Any] | Sequence[Any], chosen: int | str | None = None) -> Offered:
    """Offer rows in a filter; `chosen` is the id of one, or its code. At most three queries of few rows."""
    if not isinstance(rows, QuerySet):
        if len(rows) <= MOST:
            return Offered(rows, len(rows))
        words = next((words_of(one) for one in rows if chosen in {one.pk, one.code}), "")
        return Offered((), len(rows), words)
    few = list(rows[: MOST + 1])
    if len(few) <= MOST:
        return Offered(few, len(few))
    one = rows.filter(Q(code=chosen) if isinstance(chosen, str) else Q(pk=chosen)).first() if chosen else None
    return Offered((), rows.count(), words_of(one) if one else "")


def places(request: HttpRequest, site: int | None, trial: int | None) -> dict[str, Offered]:
    """The sites and trials among which somebody may choose, with those that are chosen."""
    user, today = user_of(request), server_day(now())
    return {
        "sites": offered(sites_visible_to(user, today), site),
        "trials": offered(trials_visible_to(user, today), trial),
    }


def words_of(row: Site | Trial) -> str:
    """A site or a trial as a search offers it, and as it is typed: its code, then its name."""
    name = site_name(row) if isinstance(row, Site) else trial_name(row)
    return f"{row.code}{BETWEEN}{name}" if name != row.code else row.code


def typed(request: HttpRequest, name: str) -> str:
    """What an address gives as a code or a name."""
    return request.GET.get(name, "").strip()[:LONGEST]


def site_asked(request: HttpRequest) -> int | None:
    """The id of the site that an address asks for, by its id, its code or a name that only one has."""
    return _asked(request, "site")


def trial_asked(request: HttpRequest) -> int | None:
    """The id of the trial that an address asks for, in the same ways."""
    return _asked(request, "trial")


def place_asked(request: HttpRequest, name: str, rows: QuerySet[Any]) -> Any:
    """The site or trial of these that an address names by its code, or by a name that only one of many has.

    Raises QueryRefused, which says what was given, where none or several are called so.
    """
    text = typed(request, name)
    if not text:
        return None
    found = list(rows.filter(code__iexact=_first_word(text))[:1])
    if not found:
        codes = list(rows.order_by("code").values_list("code", flat=True)[: MOST + 1])
        if len(codes) <= MOST:  # they are chosen from a list, and what is none of them is a wrong address
            choice_in(request, name, codes)
        found = list(places_named(rows, name, text)[:2])
    if len(found) == 1:
        return found[0]
    raise QueryRefused(name, _not_one(text, found))


def _first_word(text: str) -> str:
    return text.partition(BETWEEN)[0].strip()


def _not_one(text: str, found: Sequence[Any]) -> str:
    """Why what was typed names no one of the places: several are called so, or none."""
    if found:
        words = _("Several are called “%(value)s”. Give the code of one of them.")
    else:
        words = _("“%(value)s” is not the code or the name of anything that you can choose here.")
    return words % {"value": text}


class PlaceSearch(forms.TextInput):
    """A field in which a code or a name is typed, with what matches offered below it."""

    input_type = "search"

    def __init__(self, name: str) -> None:
        listed = f"{name}-found"
        asks = {
            "hx-get": reverse("find-places", kwargs={"kind": name}),
            "hx-trigger": "input changed delay:200ms, focus once",
            "hx-target": f"#{listed}",
            "hx-sync": "this:replace",
        }
        super().__init__({"list": listed, "autocomplete": "off", "spellcheck": "false", **asks})

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The field, and the list that the search fills."""
        field = super().render(name, value, attrs, renderer)
        return format_html('{}<datalist id="{}"></datalist>', field, self.attrs["list"])


class PlaceField(forms.ModelChoiceField):
    """A site of a form: chosen from a list, or typed as a code or a name where there are many."""

    def offer(self, rows: QuerySet[Any], name: str = "site") -> None:
        """Offer these rows."""
        self.queryset = rows
        if rows.count() > MOST:
            self.widget = PlaceSearch(name)
            self.widget.is_required = self.required

    @property
    def many(self) -> bool:
        """Whether the place is typed."""
        return isinstance(self.widget, PlaceSearch)

    def prepare_value(self, value: Any) -> Any:
        """A place as the field shows it: in words where it is typed."""
        text = str(value or "")
        if not self.many or not (text.isascii() and text.isdigit()):
            return super().prepare_value(value)
        row = self.queryset.filter(pk=row_id(text)).first() if self.queryset is not None else None
        return words_of(row) if row else text

    def to_python(self, value: Any) -> Any:
        """The place that was chosen or typed; raises ValidationError in words for any other text."""
        text = str(value or "").replace("\0", "\ufffd").strip()[:LONGEST]
        if not self.many or not text or self.queryset is None:
            return super().to_python(value)
        found = list(self.queryset.filter(code__iexact=_first_word(text))[:1])
        if not found and text.isascii() and text.isdigit():
            found = list(self.queryset.filter(pk=row_id(text))[:1])
        found = found or list(places_named(self.queryset, "site", text)[:2])
        if len(found) != 1:
            raise ValidationError(_not_one(text, found), code="invalid_choice")
        return found[0]


def places_named(rows: QuerySet[Any], name: str, text: str) -> QuerySet[Any]:
    """Those of the rows in whose code or names a text occurs, by code."""
    found = Q()
    for field in _NAMES[name]:
        found |= Q(**{f"{field}__icontains": text.partition(BETWEEN)[0].strip()})
    return rows.filter(found).order_by("code")


def places_to_choose(request: HttpRequest, name: str) -> list[str]:
    """What a search offers for the text typed so far."""
    rows = _VISIBLE[name](user_of(request), server_day(now()))
    text = typed(request, name)
    return [words_of(row) for row in places_named(rows, name, text)[:FOUND]]


def _asked(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "").strip()
    if not text or (text.isascii() and text.isdigit()):
        return number(request, name)
    return int(place_asked(request, name, _VISIBLE[name](user_of(request), server_day(now()))).pk)
