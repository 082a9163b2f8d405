"""The audit trail: searched, filtered, kept as a table, read together with a record, and reviewed."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from participants.models import Participant
from participants.selectors.participants import (
    participants_visible_to,
    participants_who_moved,
    subject_codes_of,
)
from schedules.selectors.store.participant_records import records_of_participant
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.trust.trail_forms import ReviewForm, TrailForm, lately
from trials.domain.accounts.access import Right
from trials.domain.audit.trail import Order
from trials.keyset import ID_END
from trials.models import AuditEntry
from trials.selectors.audit.trail import (
    COLUMNS,
    EntryPage,
    Key,
    Stretches,
    about,
    ends_of,
    entries_in_sight,
    newest_of,
    page_of_entries,
    record_now,
    remarks_on,
    reviews_in_sight,
    seal_state,
    search_backwards,
    stretches_of,
    trail_of,
    wanted_entries,
)
from trials.selectors.audit.trail_wording import fields_of, in_words, kind_in_words, name_in_words
from trials.selectors.records import roles_of
from trials.services.audit.exports import SubjectCodes, record_lines, trail_lines
from trials.services.audit.reviews import Stretch, record_review
from trials.services.store.exports import record_export
from trials.web.shared.downloads import download, head_of
from trials.web.shared.query_params import QueryRefused, query_params

PER_PAGE = 50
REVIEWS = 5
REFUSED = 422
PARTICIPANT = "participants.participant"


@login_required
@require_safe
@query_params(*TrailForm.base_fields)
def trail(request: HttpRequest) -> HttpResponse:
    """The entries in sight that were asked for."""
    form = TrailForm(_asked(request))
    status = 200 if form.is_valid() else REFUSED
    return render(request, "audit/trail.html", _context(request, form), status=status)


@login_required
@require_safe
@query_params(*TrailForm.base_fields)
def export(request: HttpRequest) -> HttpResponseBase:
    """The same entries, all of them, as a table to be kept."""
    form = TrailForm(_asked(request))
    if not form.is_valid():
        return render(request, "audit/trail.html", _context(request, form), status=REFUSED)
    instant, filters = now(), _filters(_asked(request))
    head = head_of("audit trail", user_of(request), instant, filters)
    entries = _entries(request, form)
    record_export(
        by=user_of(request),
        what="audit trail",
        form="csv",
        rows=entries.count(),
        now=instant,
        filters=filters,
    )
    lines = trail_lines(entries, _codes(request), head)
    return download(f"audit-trail-{server_day(instant)}.csv", lines)


@login_required
@never_cache
@require_POST
@query_params(*TrailForm.base_fields)
def review(request: HttpRequest) -> HttpResponse:
    """Record that the entries that were asked for were looked through, and what was found."""
    if not _may_review(request):
        raise PermissionDenied(_("Your role does not record reviews of the audit trail."))
    form, said = TrailForm(_asked(request)), ReviewForm(request.POST)
    if not form.is_valid() or not said.is_valid():
        context = {**_context(request, form), "review": said}
        return render(request, "audit/trail.html", context, status=REFUSED)
    ends = ends_of(_entries(request, form), said.cleaned_data["last_shown"], _stretches(request))
    stretch = Stretch(*ends, _filters(_asked(request)))
    record_review(stretch=stretch, finding=said.cleaned_data["finding"], by=user_of(request), now=now())
    messages.success(request, _("The review is recorded."))
    return redirect(_address("trail", request.GET))


@login_required
@require_safe
@query_params()
def record(request: HttpRequest, kind: str, number: str) -> HttpResponse:
    """A record as it stands, together with its trail."""
    entries = _trail_of(request, kind, number)
    return render(request, "audit/record.html", _record_context(request, kind, number, entries))


def _record_context(
    request: HttpRequest, kind: str, number: str, entries: QuerySet[AuditEntry]
) -> dict[str, Any]:
    found = record_now(_in_sight(request), kind, number)
    page = page_of_entries(entries, Order.NEWEST, _after(request, Order.NEWEST), PER_PAGE)
    return {
        "kind": kind,
        "number": number,
        "record": kind_in_words(kind),
        "name": name_in_words(kind, number),
        "fields": fields_of(found) if found else (),
        "rows": in_words(page.entries),
        "following": _following(request, page.after),
        "seal": seal_state(),
        "may_review": _may_review(request),
        "review": ReviewForm(initial={"last_shown": newest_of(entries)}),
        "reviews": remarks_on(kind, number),
    }


@login_required
@never_cache
@require_POST
def remark(request: HttpRequest, kind: str, number: str) -> HttpResponse:
    """Say something of a record, after looking at its trail: a monitor's comment, on record itself."""
    entries = _trail_of(request, kind, number)
    if not _may_review(request):
        raise PermissionDenied(_("Your role does not record reviews of the audit trail."))
    said = ReviewForm(request.POST)
    if not said.is_valid():
        context = {**_record_context(request, kind, number, entries), "review": said}
        return render(request, "audit/record.html", context, status=REFUSED)
    stretch = Stretch(*ends_of(entries, said.cleaned_data["last_shown"]), about(kind, number))
    record_review(stretch=stretch, finding=said.cleaned_data["finding"], by=user_of(request), now=now())
    messages.success(request, _("The comment is recorded."))
    return redirect("trail-record", kind=kind, number=number)


@login_required
@require_safe
def export_record(request: HttpRequest, kind: str, number: str) -> HttpResponseBase:
    """A record together with its trail as a table to be kept; a participant with all that is theirs."""
    entries, instant = _trail_of(request, kind, number), now()
    found = record_now(_in_sight(request), kind, number)
    records: list[Model] = [found] if found else []
    if isinstance(found, Participant):
        records += records_of_participant(found)
    what = f"{kind} {number} and its audit trail"
    rows = len(records) + entries.count()
    record_export(by=user_of(request), what=what, form="csv", rows=rows, now=instant)
    head = head_of(what, user_of(request), instant, "")
    lines = record_lines(records, entries, _codes(request), head)
    return download(f"{kind}-{number}-{server_day(instant)}.csv", lines)


def _in_sight(request: HttpRequest) -> QuerySet[AuditEntry]:
    return entries_in_sight(user_of(request), server_day(now()), _participants(request))


def _stretches(request: HttpRequest) -> Stretches:
    return stretches_of(user_of(request), server_day(now()), participants_who_moved(), _participants(request))


def _participants(request: HttpRequest) -> QuerySet[Participant]:
    return participants_visible_to(user_of(request), server_day(now()))


def _entries(request: HttpRequest, form: TrailForm) -> QuerySet[AuditEntry]:
    """The entries in sight that were asked for; none where that cannot be read."""
    if not form.is_valid():
        return _in_sight(request).none()
    return wanted_entries(_in_sight(request), form.wanted(_participants(request)))


def _trail_of(request: HttpRequest, kind: str, number: str) -> QuerySet[AuditEntry]:
    """The trail of a record; 404 where none of it is in sight."""
    entries = trail_of(_in_sight(request), kind, number)
    if not entries.exists():
        raise Http404
    return entries


def _codes(request: HttpRequest) -> SubjectCodes:
    return partial(subject_codes_of, _participants(request))


def _may_review(request: HttpRequest) -> bool:
    return roles_of(user_of(request), server_day(now())).allows(Right.REVIEW)


def _context(request: HttpRequest, form: TrailForm) -> dict[str, Any]:
    entries, asked = _entries(request, form), _asked(request)
    order = form.sorting if form.is_valid() else Order.NEWEST
    stretches, after = _stretches(request), _after(request, order)
    in_pieces = form.is_valid() and form.in_pieces
    page = _page(entries, form, order, after, stretches)
    if after is None and order is Order.NEWEST:
        newest = page.entries[0].pk if page.entries else 0
    else:
        newest = 0 if in_pieces else newest_of(entries, stretches)
    return {
        "form": form,
        "rows": in_words(page.entries),
        "following": _following(request, page.after),
        "asked": _filters(asked),
        "looked_back_to": page.looked_back_to,
        "searched_since": None if asked is request.GET else asked["first"],
        "further": _further(request.GET),
        "seal": seal_state(),
        "may_review": _may_review(request) and not (in_pieces and after is not None),
        "review": ReviewForm(initial={"last_shown": newest}),
        "reviews": reviews_in_sight(user_of(request), server_day(now()))[:REVIEWS],
    }


def _page(
    entries: QuerySet[AuditEntry], form: TrailForm, order: Order, after: Key | None, stretches: Stretches
) -> EntryPage:
    """A page of the entries, walked to backwards where no index leads there."""
    if form.is_valid() and (form.in_pieces or (form.walks_back and not stretches)):
        return search_backwards(entries, after, PER_PAGE, form.cleaned_data["first"])
    return page_of_entries(entries, order, after, PER_PAGE, stretches)


def _filters(asked: QueryDict) -> str:
    """What was asked for, without the place in the list."""
    kept = asked.copy()
    kept.pop("after", None)
    for name in [name for name, value in kept.items() if not value]:
        kept.pop(name)
    return kept.urlencode()


def _asked(request: HttpRequest) -> QueryDict:
    return lately(request.GET)


def _further(asked: QueryDict) -> str:
    """The same question, asked of the whole trail."""
    kept = QueryDict(_filters(asked), mutable=True)
    kept["further"] = "1"
    return f"?{kept.urlencode()}"


def _address(name: str, asked: QueryDict) -> str:
    filters = _filters(asked)
    return f"{reverse(name)}?{filters}" if filters else reverse(name)


def _following(request: HttpRequest, after: Key | None) -> str:
    """The address of the page that follows; nothing on the last one."""
    if after is None:
        return ""
    asked = request.GET.copy()
    asked["after"] = json.dumps(after)
    return f"?{asked.urlencode()}"


def _after(request: HttpRequest, order: Order) -> Key | None:
    """The key that a page starts after; None for the first one; raises QueryRefused otherwise."""
    text = request.GET.get("after", "")
    if not text:
        return None
    kinds = [int if name == "id" else str for name in COLUMNS[order]]
    try:
        key = json.loads(text)
    except (ValueError, RecursionError):
        key = None
    fits = isinstance(key, list) and [type(part) for part in key] == kinds
    if not fits or abs(key[-1]) >= ID_END or "\0" in str(key[:-1]):
        raise QueryRefused("after", _("This address is no place in the list. Start again on its first page."))
    return tuple(key)
