"""How the admin shows records: set-up may be changed, trial data only read, and nothing is deleted.

What somebody may do here follows from their roles alone; Django's own permissions are not asked.
Every list and form is of the rows in sight, and a row out of sight does not exist.
"""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.contrib.admin.filters import RelatedOnlyFieldListFilter
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ERROR_FLAG, SEARCH_VAR
from django.db.models import Field, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin, TabularInline

from trials import request_clock
from trials.domain.accounts.access import Right, Scope
from trials.domain.errors import DomainError
from trials.keyset import ID_END
from trials.models import User
from trials.selectors.records import roles_of
from trials.zones import roles_day

InSight = RelatedOnlyFieldListFilter
"""A filter that offers what the rows in sight have, and nothing else."""


_NO_FILTER = re.compile(r"\d{19}|\0")


def is_key(given: str) -> bool:
    """Whether a text can be the primary key of a record: a number that the database can hold."""
    try:
        value = int(unquote(given)) if given.isascii() else None
    except ValueError:
        return False
    return value is not None and 0 <= value < ID_END


def by(request: HttpRequest) -> User:
    """Who asks; the admin lets nobody in who is not signed in."""
    assert isinstance(request.user, User)
    return request.user


def today() -> Any:
    """The day by which roles hold: the server's, and at a site that of the site."""
    return roles_day(request_clock.now())


def scope_of(request: HttpRequest) -> Scope:
    """What anyone who asks may do on this day; asked of the database once for each request."""
    known = getattr(request, "_dayzero_scope", None)
    if known is None:
        known = roles_of(request.user, today()) if isinstance(request.user, User) else Scope()
        request._dayzero_scope = known  # type: ignore[attr-defined]  # noqa: SLF001  our own
    scope: Scope = known
    return scope


class SetUp(ModelAdmin):
    """Records that set the stage: added and changed by those who may, never deleted."""

    views: tuple[Right, ...] = tuple(Right)
    """Any of these rights, somewhere, opens the list; which rows are in it says `rows_in_sight`."""

    def rows_in_sight(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows that exist for anyone who asks."""
        raise NotImplementedError

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows in sight, and no others: lists, forms, actions and the search start from these."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(pk__in=self.rows_in_sight(request).order_by().values("pk"))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """What the list offers to filter by and nothing else: a hash is else guessed letter by letter."""
        names = [each[0] if isinstance(each, tuple) else each for each in self.get_list_filter(request)]
        if self.date_hierarchy:
            names.append(self.date_hierarchy)
        # by the whole name that a list offers: by its first part alone the links to trials,
        # sites and years of a list were refused
        offered = any(f"{lookup}__".startswith(f"{name}__") for name in names)
        return offered and super().lookup_allowed(lookup, value, request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list; what no database holds (a number too large, NUL) is a filter that it does not know."""
        if any(_NO_FILTER.search(str(value)) for name, value in request.GET.items() if name != SEARCH_VAR):
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")
        return super().changelist_view(request, extra_context)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """An action on records that were chosen; what is no number of a record is named and refused."""
        wrong = [given for given in request.POST.getlist(ACTION_CHECKBOX_NAME) if not is_key(given)]
        if wrong:
            words = _("“%(given)s” is no record of this list. Choose records and try again.")
            messages.error(request, words % {"given": wrong[0][:40]})
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The record of an address; None for what is no number of one."""
        if from_field is None and not is_key(object_id):
            return None
        return super().get_object(request, object_id, from_field)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether any of it is shown."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether somebody has a right to which this belongs."""
        scope = scope_of(request)
        return scope.everything or any(scope.allows(right) for right in self.views)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Anyone who administers everything adds."""
        return scope_of(request).allows_throughout(Right.ADMINISTER)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Anyone who administers all of the place that a record belongs to changes it."""
        scope = scope_of(request)
        if obj is None:
            return scope.allows(Right.ADMINISTER)
        return scope.allows_throughout(Right.ADMINISTER, **self.place_of(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes a record."""
        return False

    def place_of(self, obj: Any) -> dict[str, int | None]:
        """The site and trial, by their ids, that a record belongs to."""
        return {}

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> Any:
        """A record that is not there, or not in sight, is not found; the admin would lead elsewhere."""
        raise Http404


class ThroughForm(SetUp):
    """Records whose form hands them to a service, which knows who asks."""

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form with the person who asks; a record that stands is only read."""
        made: Any = super().get_form(request, obj, change, **kwargs)
        return type(made.__name__, (made,), {"by": by(request)})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The service has saved it."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """What was recorded stands."""
        return False


class ReadOnly(SetUp):
    """Records that only services write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Services add them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Services change them."""
        return False


class ReadOnlyInline(TabularInline):
    """Records under another record, to be read by anyone who reads that one."""

    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The record above is in sight."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Services add them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Services change them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes a record."""
        return False


def offered(db_field: Field[Any, Any], name: str, rows: QuerySet[Any], kwargs: dict[str, Any]) -> None:
    """Let a form offer these rows for a field, if it is the field of this name."""
    if db_field.name == name:
        kwargs["queryset"] = rows


def tell(request: HttpRequest, error: DomainError) -> None:
    """Say in the admin why something was refused."""
    messages.error(request, str(error))
