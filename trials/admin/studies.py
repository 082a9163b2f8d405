"""Trials, where they run, their dose levels and their protocols."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Field, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline

from trials import request_clock
from trials.admin.forms import ProtocolDocumentForm
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
from trials.models import (
    Cohort,
    ProtocolVersion,
    Trial,
    TrialSite,
)
from trials.selectors.records import sites_visible_to, trials_visible_to, versions_visible_to
from trials.services.protocols.publishing import publish_protocol


class TrialSiteInline(TabularInline):
    """Where a trial runs; a site that was added stays."""

    model = TrialSite
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The trial above is in sight."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Those who administer the whole trial add sites to it."""
        return obj is not None and scope_of(request).allows_throughout(Right.ADMINISTER, trial=obj.pk)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was recorded stands."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes a record."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[TrialSite]:
        """The sites in sight."""
        rows: QuerySet[TrialSite] = super().get_queryset(request)
        return rows.filter(site__in=sites_visible_to(by(request), today()))

    def formfield_for_foreignkey(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """A site is one in sight."""
        offered(db_field, "site", sites_visible_to(by(request), today()), kwargs)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class CohortInline(ReadOnlyInline):
    """The dose levels of a trial, which its protocol names."""

    model = Cohort
    fields = ("position", "code", "label", "planned_number")
    readonly_fields = fields


@admin.register(Trial)
class TrialRecords(SetUp):
    """Trials: made by taking in their first document."""

    list_display = ("code", "title", "study_type", "planned_number", "planned_end")
    search_fields = ("code", "title", "registry_id")
    inlines = (TrialSiteInline, CohortInline)
    readonly_fields = ("code", "frozen_on", "archived_on", "retain_until")

    def rows_in_sight(self, request: HttpRequest) -> QuerySet[Trial]:
        """The trials in which the reader has a role."""
        return trials_visible_to(by(request), today())

    def place_of(self, obj: Trial) -> dict[str, int | None]:
        """The trial itself."""
        return {"trial": obj.pk}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A trial comes with its first document."""
        return False


@admin.register(ProtocolVersion)
class ProtocolVersionRecords(ThroughForm):
    """Protocol versions: a document is taken in as a draft, read through, published, and then stands."""

    form = ProtocolDocumentForm
    list_display = ("trial", "label", "digest", "created_at", "published_at", "published_by")
    list_filter = (("trial", InSight),)
    actions = ("publish",)

    def rows_in_sight(self, request: HttpRequest) -> QuerySet[ProtocolVersion]:
        """Those of the trials in which the reader has a role."""
        return versions_visible_to(by(request), today())

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The document alone of a new version; all of one that stands."""
        if obj is None:
            return ("document", "outside_name")
        return ("trial", "label", "digest", "created_at", "published_at", "published_by", "document")

    def has_publish_permission(self, request: HttpRequest) -> bool:
        """Designers publish."""
        return scope_of(request).allows(Right.PUBLISH)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Designers take documents in."""
        return scope_of(request).allows(Right.PUBLISH)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which takes in no document of a trial that is not the reader's to design."""
        made: Any = super().get_form(request, obj, change, **kwargs)
        return type(
            made.__name__, (made,), {"may_design": staticmethod(lambda trial: may_design(request, trial))}
        )

    @admin.action(
        description=gettext_lazy("Publish (the version can no longer be changed)"), permissions=["publish"]
    )
    def publish(self, request: HttpRequest, versions: QuerySet[ProtocolVersion]) -> None:
        """Freeze the versions that were chosen."""
        for version in versions.select_related("trial"):
            if not may_design(request, version.trial):
                words = _("Your role does not allow publishing in %(trial)s.") % {"trial": version.trial.code}
                messages.error(request, words)
                continue
            try:
                publish_protocol(version=version, by=by(request), now=request_clock.now())
            except DomainError as error:
                tell(request, error)
                continue
            messages.success(request, _("%(version)s is published.") % {"version": version})


def may_design(request: HttpRequest, trial: Trial) -> bool:
    """Whether somebody designs a trial: a protocol is the same at all of its sites."""
    return scope_of(request).allows_throughout(Right.PUBLISH, trial=trial.pk)
