"""Set-up in the admin: sites, trials, protocol versions, users, memberships, tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Field, Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline

from trials.admin.forms import ProtocolDocumentForm, WorkingDaysForm
from trials.admin.records import InSight, ReadOnly, ReadOnlyInline, SetUp, by, offered, scope_of, tell, today
from trials.domain.access import Right
from trials.domain.errors import DomainError
from trials.models import (
    ApiToken,
    Cohort,
    Membership,
    ProtocolVersion,
    Site,
    Trial,
    TrialSite,
    User,
    WorkingDayTable,
)
from trials.reauthentication import reauthenticated
from trials.selectors import sites_visible_to, trials_visible_to, working_days_of
from trials.selectors_accounts import accounts_visible_to, changeable_accounts
from trials.selectors_memberships import memberships_visible_to
from trials.services.protocols import publish_protocol
from trials.services.sites import Corrections, record_working_days
from trials.services.tokens import issue_api_token, revoke_api_token

admin.site.unregister(Group)  # what somebody may do is a membership, never a group

YEARS_BEFORE, YEARS_AFTER = 1, 3


@admin.register(User)
class UserRecords(ReadOnly):
    """Accounts, to be read: they are opened and deactivated under /people/, for a reason."""

    views = (Right.ADMINISTER,)
    list_display = ("username", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("username",)
    fields = (
        *("username", "first_name", "email", "is_active", "is_staff", "is_superuser", "last_login"),
        *("date_joined", "password_set_at", "link_issued_at"),
    )

    def rows_in_sight(self, request: HttpRequest) -> QuerySet[User]:
        """The accounts that the reader administers."""
        return accounts_visible_to(by(request), today())


class TableInline(ReadOnlyInline):
    """The versions of a site's working days."""

    model = WorkingDayTable
    fields = ("version", "note", "created_at", "created_by")
    readonly_fields = fields


@admin.register(Site)
class SiteRecords(SetUp):
    """Sites, with the versions of their working days."""

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
        description=gettext_lazy("Record the working days of these years anew"), permissions=["change"]
    )
    def renew_working_days(self, request: HttpRequest, sites: QuerySet[Site]) -> None:
        """Read the holiday calendar again, keeping each site's own corrections."""
        year = today().year
        for site in sites:
            if not self.has_change_permission(request, site):
                messages.error(request, _("You do not administer %(site)s.") % {"site": site.code})
                continue
            known = working_days_of(site)
            own = Corrections(known.closures, known.openings) if known else Corrections()
            try:
                table = record_working_days(
                    site=site,
                    by=by(request),
                    first_year=year - YEARS_BEFORE,
                    last_year=year + YEARS_AFTER,
                    corrections=own,
                )
            except DomainError as error:
                tell(request, error)
                continue
            words = {"site": site.code, "version": table.version}
            messages.success(request, _("%(site)s has working days, version %(version)s.") % words)


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


@admin.register(WorkingDayTable)
class WorkingDayTableRecords(ThroughForm):
    """Versions of working days; a correction is a new version."""

    form = WorkingDaysForm
    list_display = ("site", "version", "note", "created_at", "created_by")
    list_filter = (("site", InSight),)

    def rows_in_sight(self, request: HttpRequest) -> QuerySet[WorkingDayTable]:
        """Those of the sites at which the reader has a role."""
        return WorkingDayTable.objects.filter(site__in=sites_visible_to(by(request), today()))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Those who administer a site record its working days."""
        return scope_of(request).allows(Right.ADMINISTER)

    def formfield_for_foreignkey(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """A site is one that the reader administers."""
        scope = scope_of(request)
        ours = [
            site.pk
            for site in sites_visible_to(by(request), today())
            if scope.allows_throughout(Right.ADMINISTER, site=site.pk)
        ]
        offered(db_field, "site", Site.objects.filter(pk__in=ours), kwargs)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The years and the corrections of a new table; the whole of one that stands."""
        if obj is None:
            return ("site", "first_year", "last_year", "closures", "openings", "note")
        return ("site", "version", "note", "document", "digest", "created_at", "created_by")


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
        return ProtocolVersion.objects.filter(trial__in=trials_visible_to(by(request), today()))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The document alone of a new version; all of one that stands."""
        if obj is None:
            return ("document",)
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
        description=gettext_lazy("Publish: the version then stands for good"), permissions=["publish"]
    )
    def publish(self, request: HttpRequest, versions: QuerySet[ProtocolVersion]) -> None:
        """Freeze the versions that were chosen."""
        for version in versions.select_related("trial"):
            if not may_design(request, version.trial):
                words = _("Your role does not allow publishing in %(trial)s.") % {"trial": version.trial.code}
                messages.error(request, words)
                continue
            try:
                publish_protocol(version=version, by=by(request), now=timezone.now())
            except DomainError as error:
                tell(request, error)
                continue
            messages.success(request, _("%(version)s is published.") % {"version": version})


def may_design(request: HttpRequest, trial: Trial) -> bool:
    """Whether somebody designs a trial: a protocol is the same at all of its sites."""
    return scope_of(request).allows_throughout(Right.PUBLISH, trial=trial.pk)


@admin.register(Membership)
class MembershipRecords(ReadOnly):
    """Who holds which role where and when, to be read: given and taken under /memberships/, for a reason."""

    views = (Right.ADMINISTER,)
    list_display = ("user", "role", "site", "trial", "starts_on", "ends_on", "withdrawn_at")
    list_filter = ("role", ("site", InSight), ("trial", InSight))
    search_fields = ("user__username",)
    list_select_related = ("user", "site", "trial")
    list_before_template = "memberships/records_note.html"

    def rows_in_sight(self, request: HttpRequest) -> QuerySet[Membership]:
        """Those that reach into where the reader administers."""
        return memberships_visible_to(by(request), today())


@admin.register(ApiToken)
class ApiTokenRecords(ReadOnly):
    """Keys of machines: shown once when they are issued, revoked by an action."""

    views = (Right.ADMINISTER,)
    list_display = ("name", "user", "created_at", "last_used_on", "revoked_at")
    fields = ("user", "name")
    actions = ("revoke",)

    def rows_in_sight(self, request: HttpRequest) -> QuerySet[ApiToken]:
        """Those of the accounts that the reader administers wholly."""
        return ApiToken.objects.filter(user__in=changeable_accounts(by(request), today()))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Those who administer issue tokens."""
        return scope_of(request).allows(Right.ADMINISTER)

    def formfield_for_foreignkey(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """A token may do what its account may, so that must all be the reader's to administer."""
        offered(db_field, "user", changeable_accounts(by(request), today()).filter(is_active=True), kwargs)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        """A key is given out to somebody who has just shown again who they are."""
        add = super().add_view
        return reauthenticated(lambda asked: add(asked, form_url, extra_context), allow_get=True)(request)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Those who administer revoke them."""
        return scope_of(request).allows(Right.ADMINISTER)

    def save_model(
        self, request: HttpRequest, obj: ApiToken, form: ModelForm[ApiToken], change: bool
    ) -> None:
        """Issue the token and show its text, this once."""
        token, text = issue_api_token(user=obj.user, name=obj.name, by=by(request))
        obj.pk, obj._state.adding = token.pk, False  # noqa: SLF001 (what the admin logs and shows)
        messages.warning(request, _("The token, shown only now: %(token)s") % {"token": text})

    @admin.action(description=gettext_lazy("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        """Close the door to the tokens that were chosen."""
        for token in tokens:
            revoke_api_token(token=token, now=timezone.now(), by=by(request))
