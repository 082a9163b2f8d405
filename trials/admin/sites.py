"""Sites and their working days."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Field, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget

from trials.admin.forms import WorkingDaysForm, refuse_unseen
from trials.admin.records import (
    InSight,
    ReadOnlyInline,
    SetUp,
    ThroughForm,
    by,
    offered,
    scope_of,
    tell,
    today,
)
from trials.domain.accounts.access import Right
from trials.domain.errors import DomainError
from trials.domain.sites.calendar_names import calendar_names
from trials.domain.sites.zones import zone_names
from trials.models import (
    Site,
    WorkingDayTable,
)
from trials.selectors.records import (
    sites_administered_by,
    sites_visible_to,
    working_days_of,
    working_days_visible_to,
)
from trials.services.sites.working_days import Corrections, record_working_days, working_days_from

YEARS_BEFORE, YEARS_AFTER = 1, 3


class TableInline(ReadOnlyInline):
    """The versions of a site's working days."""

    model = WorkingDayTable
    fields = ("version", "note", "created_at", "created_by")
    readonly_fields = fields


class SiteForm(forms.ModelForm):
    """A site, with its zone and its holiday calendar chosen from lists."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._choose("zone", zone_names(), self.instance.zone, empty=True)
        self._choose("holiday_calendar", calendar_names(), self.instance.holiday_calendar)

    def _choose(self, name: str, names: Sequence[str], stands: str, *, empty: bool = False) -> None:
        """Offer these names; what stands and is none of them stays in sight, and is refused."""
        field = self.fields.get(name)
        if field is None:  # somebody who may only read
            return
        offered = [*names, *([stands] if stands and stands not in names else [])]
        none = [("", _("Choose …"))] if empty else []
        field.widget = UnfoldAdminSelectWidget(choices=[*none, *((one, one) for one in offered)])


@admin.register(Site)
class SiteRecords(SetUp):
    """Sites, with the versions of their working days."""

    form = SiteForm

    list_display = ("code", "name", "zone", "clinic_days", "holiday_calendar", "feeds_enabled")
    search_fields = ("code", "name")
    inlines = (TableInline,)
    actions = ("renew_working_days",)

    def rows_in_sight(self, request: HttpRequest) -> QuerySet[Site]:
        """The sites at which the reader has a role."""
        return sites_visible_to(by(request), today())

    def place_of(self, obj: Site) -> dict[str, int | None]:
        """The site itself."""
        return {"site": obj.pk}

    @admin.action(
        description=gettext_lazy("Record the working days of these years again"), permissions=["change"]
    )
    def renew_working_days(self, request: HttpRequest, sites: QuerySet[Site]) -> None:
        """Read the holiday calendar again, keeping each site's own corrections."""
        year = today().year
        for site in sites:
            if not self.has_change_permission(request, site):
                messages.error(request, _("You do not administer %(site)s.") % {"site": site.code})
                continue
            known = working_days_of(site)
            own, years = Corrections.of(known), (year - YEARS_BEFORE, year + YEARS_AFTER)
            try:
                refuse_unseen(site, working_days_from(site, *years, own))
                table = record_working_days(
                    site=site, by=by(request), first_year=years[0], last_year=years[1], corrections=own
                )
            except DomainError as error:
                tell(request, error)
                continue
            words = {"site": site.code, "version": table.version}
            messages.success(request, _("%(site)s has working days, version %(version)s.") % words)


@admin.register(WorkingDayTable)
class WorkingDayTableRecords(ThroughForm):
    """Versions of working days; a correction is a new version."""

    form = WorkingDaysForm
    list_display = ("site", "version", "note", "created_at", "created_by")
    list_filter = (("site", InSight),)

    def rows_in_sight(self, request: HttpRequest) -> QuerySet[WorkingDayTable]:
        """Those of the sites at which the reader has a role."""
        return working_days_visible_to(by(request), today())

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Those who administer a site record its working days."""
        return scope_of(request).allows(Right.ADMINISTER)

    def formfield_for_foreignkey(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """A site is one that the reader administers."""
        offered(db_field, "site", sites_administered_by(by(request), today()), kwargs)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The years and the corrections of a new table; the whole of one that stands."""
        if obj is None:
            return ("site", "first_year", "last_year", "closures", "openings", "follows", "note")
        return ("site", "version", "note", "document", "digest", "created_at", "created_by")
