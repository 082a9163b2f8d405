"""Maps between a trial's names and those of EDCs: one for each EDC and environment, edited and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from schedules.models import EdcEnvironment, EdcMap
from schedules.selectors.exchange.agreements import edc_map, maps_of
from schedules.selectors.exchange.map_check import MappedRule, checked, mapped_rules
from schedules.services.exchange.maps import MapContent, MapKey, name_subjects, save_map
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.forms import VersionedForm
from schedules.web.shared.people import user_of
from schedules.web.shared.wording import say
from trials.domain.accounts.access import Right
from trials.domain.errors import Refused, Stale
from trials.keyset import row_id
from trials.models import CODE, Site, Trial
from trials.selectors.protocols.approvals import may_throughout, sites_in_view, trials_in_view

OVERTAKEN, REFUSED = 409, 422
LONGEST = {"event_oid": 120, "repeat_key": 40, "form_oid": 120, "item_group_oid": 120, "date_item_oid": 120}
LABELS: Mapping[str, Promise] = {
    "event_oid": gettext_lazy("Event OID"),
    "repeat_key": gettext_lazy("Repeat key"),
    "form_oid": gettext_lazy("Form OID"),
    "item_group_oid": gettext_lazy("Item group OID"),
    "date_item_oid": gettext_lazy("Date item OID"),
}
# As many as the column holds: PostgreSQL answers a larger number with an error of the server.
MOST_OCCURRENCES = 32767
_NAME = re.compile(r"\s*[,;\t=]\s*")


class NewMapForm(VersionedForm):
    """Which EDC, and where it is used."""

    edc = forms.CharField(
        label=gettext_lazy("EDC"),
        max_length=40,
        validators=[CODE],
        help_text=gettext_lazy("A short name, such as rave or openclinica."),
    )
    environment = forms.ChoiceField(label=gettext_lazy("Environment"), choices=EdcEnvironment.choices)


@dataclass(slots=True)
class EventRow:
    """A line of the table of events: which visit, and what the EDC calls it."""

    key: str
    visit: str
    label: str
    occurrence: int | None
    values: Mapping[str, str]
    several: bool = False
    problems: list[str] = field(default_factory=list)

    @property
    def cells(self) -> list[tuple[str, Promise, str]]:
        """The fields of the line: name, what people call it, and what stands there."""
        return [(name, label, self.values.get(name, "")) for name, label in LABELS.items()]


@dataclass(slots=True)
class SiteRow:
    """A line of the table of sites."""

    site: Site
    name: str


@dataclass(slots=True)
class Typed:
    """A map as it stands on the page: as it is kept, or as somebody typed it."""

    study_oid: str
    version: int | None
    sites: list[SiteRow]
    events: list[EventRow]
    added: EventRow
    subjects: str = ""
    problems: dict[str, list[str]] = field(default_factory=dict)


@login_required
@require_http_methods(["GET", "POST"])
def edc_maps(request: HttpRequest, pk: int) -> HttpResponse:
    """The maps of a trial, and a form for another one."""
    trial = _trial(request, pk)
    may_edit = _may_edit(request, trial)
    form = NewMapForm(request.POST or None)
    if request.method == "POST":
        if not may_edit:
            raise PermissionDenied(_("A map holds for all sites: your role must hold at all of them."))
        if form.is_valid():
            edc, environment = form.cleaned_data["edc"], form.cleaned_data["environment"]
            return redirect("edc-map", pk=pk, edc=edc, environment=environment)
    context = {
        "trial": trial,
        "rows": [(one, checked(one, user_of(request), server_day(now()))) for one in maps_of(trial)],
        "form": form,
        "may_edit": may_edit,
    }
    return render(request, "exchange/maps.html", context, status=REFUSED if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def edc_map_page(request: HttpRequest, pk: int, edc: str, environment: str) -> HttpResponse:
    """One map: what the EDC calls everything, what is missing, and what it named last."""
    trial = _trial(request, pk)
    found, may_edit = edc_map(trial, edc, environment), _may_edit(request, trial)
    if environment not in EdcEnvironment.values or (found is None and not may_edit):
        raise Http404
    rules, sites = mapped_rules(trial, say), sites_in_view(user_of(request), trial, server_day(now()))
    if request.method != "POST":
        return _page(
            request, (trial, edc, environment), found, _as_kept(found, rules, sites), may_edit=may_edit
        )
    if not may_edit:
        raise PermissionDenied(_("A map holds for all sites: your role must hold at all of them."))
    typed = _as_typed(request.POST, rules, sites)
    refused = _try_to_save(request, MapKey(trial, edc, environment), found, typed)
    if refused:
        return _page(request, (trial, edc, environment), found, typed, may_edit=may_edit, status=refused)
    messages.success(request, _("The map is saved."))
    return redirect("edc-map", pk=pk, edc=edc, environment=environment)


def _try_to_save(request: HttpRequest, key: MapKey, found: EdcMap | None, typed: Typed) -> int | None:
    """Save a map, or give the status with which it is shown again; what is wrong is said in `typed`."""
    if _wrong(typed):
        return REFUSED
    try:
        _save(request, key, found, typed)
    except Refused as refused:
        typed.problems = {name: list(said) for name, said in refused.fields.items()}
        return REFUSED
    except Stale as stale:
        typed.version = stale.version
        return OVERTAKEN
    return None


def _save(request: HttpRequest, key: MapKey, found: EdcMap | None, typed: Typed) -> None:
    """Save what was typed; sites that the person does not see stay as they are."""
    shown = {row.site.code for row in typed.sites}
    kept = {code: name for code, name in (found.sites if found else {}).items() if code not in shown}
    sites = kept | {row.site.code: row.name for row in typed.sites if row.name}
    content = MapContent(typed.study_oid, sites, _events(typed))
    names = dict(_named_subjects(typed.subjects))
    with transaction.atomic():
        saved = save_map(key=key, version=typed.version, content=content, by=user_of(request))
        if names:
            name_subjects(edc_map=saved, names=names, by=user_of(request))


def _events(typed: Typed) -> list[dict[str, Any]]:
    rows = [*typed.events, typed.added]
    return [
        {
            "visit": row.visit,
            **({"occurrence": row.occurrence} if row.occurrence else {}),
            **{name: value for name, value in row.values.items() if value},
        }
        for row in rows
        if row.visit and row.values.get("event_oid")
    ]


def _as_kept(found: EdcMap | None, rules: Sequence[MappedRule], sites: Sequence[Site]) -> Typed:
    """The page of a map as it is on record; every rule has a line."""
    events = found.events if found else []
    rows = [row for rule in rules for row in _rows_of(rule, events)]
    names = found.sites if found else {}
    return Typed(
        study_oid=found.study_oid if found else "",
        version=found.version if found else None,
        sites=[SiteRow(site, names.get(site.code, "")) for site in sites],
        events=rows,
        added=EventRow("new", "", "", None, dict.fromkeys(LONGEST, "")),
    )


def _rows_of(rule: MappedRule, events: Sequence[Mapping[str, Any]]) -> list[EventRow]:
    """The lines of a rule: one for each of its events, and an empty one where it has none."""
    own = [one for one in events if one["visit"] == rule.code] or [{}]
    return [
        _row(rule, event.get("occurrence"), {name: event.get(name, "") for name in LONGEST}) for event in own
    ]


def _row(rule: MappedRule, occurrence: int | None, values: Mapping[str, str]) -> EventRow:
    key = f"{rule.code}.{occurrence}" if occurrence else rule.code
    return EventRow(key, rule.code, rule.label, occurrence, values, rule.several)


def _as_typed(data: QueryDict, rules: Sequence[MappedRule], sites: Sequence[Site]) -> Typed:
    """The page as somebody typed it."""
    by_code = {rule.code: rule for rule in rules}
    rows = []
    for key in data.getlist("row"):
        code, _dot, number = key.rpartition(".") if row_id(key.rpartition(".")[2]) else (key, "", "")
        if code in by_code:
            rows.append(_row(by_code[code], row_id(number) or None, _values(data, key)))
    added = EventRow("new", data.get("new-visit", "").strip(), "", None, _values(data, "new"))
    number = data.get("new-occurrence", "").strip()
    if 0 < row_id(number) <= MOST_OCCURRENCES:
        added.occurrence = row_id(number)
    elif number:
        added.problems.append(
            _("%(text)s is not a number of a visit: give 1 or more.") % {"text": number[:20]}
        )
    version = data.get("version", "")
    return Typed(
        study_oid=data.get("study_oid", "").strip(),
        version=row_id(version) or None,
        sites=[SiteRow(site, data.get(f"site-{site.code}", "").strip()) for site in sites],
        events=rows,
        added=added,
        subjects=data.get("subjects", ""),
    )


def _values(data: QueryDict, key: str) -> dict[str, str]:
    return {name: data.get(f"{key}-{name}", "").strip() for name in LONGEST}


def _wrong(typed: Typed) -> bool:
    """Put what is wrong with what was typed beside it; the service refuses the rest."""
    rows = (*typed.events, typed.added)
    for row in rows:
        row.problems += _problems_of_row(row)
    _mark_names(typed)
    _mark_subjects(typed)
    return bool(typed.problems) or any(row.problems for row in rows)


def _problems_of_row(row: EventRow) -> Iterator[str]:
    """What is wrong with the line of one event."""
    values = row.values
    for name, most in LONGEST.items():
        if len(values.get(name, "")) > most:
            yield _("At most %(count)d characters.") % {"count": most}
    if any(values.values()) and not values.get("event_oid"):
        yield _("Enter the event's OID, or leave the line empty.")
    if row.key == "new" and any(values.values()) and not row.visit:
        yield _("Choose the visit.")


def _mark_names(typed: Typed) -> None:
    if any("\0" in text for text in (typed.study_oid, typed.subjects, *(row.name for row in typed.sites))):
        typed.problems["study_oid"] = [_("A name holds no control characters.")]
    if any(len(row.name) > LONGEST["event_oid"] for row in typed.sites):
        typed.problems["sites"] = [_("At most %(count)d characters.") % {"count": LONGEST["event_oid"]}]


def _mark_subjects(typed: Typed) -> None:
    named = _named_subjects(typed.subjects)
    wrong = [text for text, name in named if not name]
    long = [name for _code, name in named if len(name) > LONGEST["event_oid"]]
    if wrong or long:
        words = _("Write one participant a line: subject code, comma, name in the EDC. Not so: %(lines)s.")
        typed.problems["subjects"] = [words % {"lines": _("; ").join((wrong + long)[:5])}]


def _named_subjects(text: str) -> list[tuple[str, str]]:
    """The names in the lines of a text, by subject code; empty for a line that holds none."""
    found = []
    for line in text.splitlines():
        if line.strip():
            code, *rest = _NAME.split(line.strip(), maxsplit=1)
            found.append((code, rest[0] if rest else ""))
    return found


def _page(
    request: HttpRequest,
    key: tuple[Trial, str, str],
    found: EdcMap | None,
    typed: Typed,
    *,
    may_edit: bool,
    status: int = 200,
) -> HttpResponse:
    trial, edc, environment = key
    context = {
        "trial": trial,
        "edc": edc,
        "environment": EdcEnvironment(environment).label,
        "map": found,
        "typed": typed,
        "check": checked(found, user_of(request), server_day(now())) if found else None,
        "rules": mapped_rules(trial, say),
        "may_edit": may_edit,
        "overtaken": status == OVERTAKEN,
        "refused": status == REFUSED,
        "columns": list(LABELS.values()),
    }
    return render(request, "exchange/map.html", context, status=status)


def _trial(request: HttpRequest, pk: int) -> Trial:
    return get_object_or_404(trials_in_view(user_of(request), server_day(now())), pk=pk)


def _may_edit(request: HttpRequest, trial: Trial) -> bool:
    return may_throughout(user_of(request), Right.RECORD, trial, server_day(now()))
