"""Set-up in the admin: sites, trials, protocol versions, users, memberships, tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline

from trials.admin.forms import ProtocolDocumentForm, WorkingDaysForm
from trials.admin.records import ReadOnly, ReadOnlyInline, SetUp, tell, user_may
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
from trials.selectors import working_days_of
from trials.services.memberships import end_membership, grant_membership
from trials.services.protocols import publish_protocol
from trials.services.sites import Corrections, record_working_days
from trials.services.tokens import issue_api_token, revoke_api_token

admin.site.unregister(Group)  # what somebody may do is a membership, never a group

YEARS_BEFORE, YEARS_AFTER = 1, 3


@admin.register(User)
class UserRecords(ReadOnly):
    """Accounts, to be read: they are opened and deactivated under /people/, for a reason."""

    list_display = ("username", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("username",)
    fields = (
        *("username", "first_name", "email", "is_active", "is_staff", "is_superuser", "last_login"),
        *("date_joined", "password_set_at", "link_issued_at"),
    )


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

    @admin.action(
        description=gettext_lazy("Record the working days of these years anew"), permissions=["change"]
    )
    def renew_working_days(self, request: HttpRequest, sites: QuerySet[Site]) -> None:
        """Read the holiday calendar again, keeping each site's own corrections."""
        year = timezone.localdate().year
        for site in sites:
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
    list_filter = ("site",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The years and the corrections of a new table; the whole of one that stands."""
        if obj is None:
            return ("site", "first_year", "last_year", "closures", "openings", "note")
        return ("site", "version", "note", "document", "digest", "created_at", "created_by")


class TrialSiteInline(TabularInline):
    """Where a trial runs."""

    model = TrialSite
    extra = 0


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
    readonly_fields = ("code",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A trial comes with its first document."""
        return False


@admin.register(ProtocolVersion)
class ProtocolVersionRecords(ThroughForm):
    """Protocol versions: a document is taken in as a draft, read through, published, and then stands."""

    form = ProtocolDocumentForm
    list_display = ("trial", "label", "digest", "created_at", "published_at", "published_by")
    list_filter = ("trial",)
    actions = ("publish",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The document alone of a new version; all of one that stands."""
        if obj is None:
            return ("document",)
        return ("trial", "label", "digest", "created_at", "published_at", "published_by", "document")

    def has_publish_permission(self, request: HttpRequest) -> bool:
        """Designers publish."""
        return user_may(request, Right.PUBLISH)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Designers take documents in."""
        return super().has_add_permission(request) and user_may(request, Right.PUBLISH)

    @admin.action(
        description=gettext_lazy("Publish: the version then stands for good"), permissions=["publish"]
    )
    def publish(self, request: HttpRequest, versions: QuerySet[ProtocolVersion]) -> None:
        """Freeze the versions that were chosen."""
        for version in versions.select_related("trial"):
            if not user_may(request, Right.PUBLISH, trial=version.trial):
                words = _("Your role does not allow publishing in %(trial)s.") % {"trial": version.trial.code}
                messages.error(request, words)
                continue
            try:
                publish_protocol(version=version, by=by(request), now=timezone.now())
            except DomainError as error:
                tell(request, error)
                continue
            messages.success(request, _("%(version)s is published.") % {"version": version})


@admin.register(Membership)
class MembershipRecords(SetUp):
    """Who holds which role where and when; ended, never deleted."""

    list_display = ("user", "role", "site", "trial", "starts_on", "ends_on")
    list_filter = ("role", "site", "trial")
    search_fields = ("user__username",)
    list_select_related = ("user", "site", "trial")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new role without its end; of one that stands, the end is what can change."""
        fields = ("user", "role", "site", "trial", "starts_on")
        return fields if obj is None else (*fields, "ends_on")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What was granted stands."""
        return () if obj is None else ("user", "role", "site", "trial", "starts_on")

    def save_model(
        self, request: HttpRequest, obj: Membership, form: ModelForm[Membership], change: bool
    ) -> None:
        """Grant the role, or end it."""
        if change:
            if obj.ends_on:
                end_membership(membership=obj, ends_on=obj.ends_on, by=by(request))
            return
        granted = grant_membership(
            user=obj.user,
            role=obj.role,
            site=obj.site,
            trial=obj.trial,
            starts_on=obj.starts_on,
            by=by(request),
        )
        obj.pk, obj._state.adding = granted.pk, False  # noqa: SLF001 (what the admin logs and shows)


@admin.register(ApiToken)
class ApiTokenRecords(ReadOnly):
    """Keys of machines: shown once when they are issued, revoked by an action."""

    list_display = ("name", "user", "created_at", "last_used_on", "revoked_at")
    fields = ("user", "name")
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Those who administer issue tokens."""
        return user_may(request, Right.ADMINISTER)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        """A key is given out to somebody who has just shown again who they are."""
        add = super().add_view
        return reauthenticated(lambda asked: add(asked, form_url, extra_context), allow_get=True)(request)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Those who administer revoke them."""
        return user_may(request, Right.ADMINISTER)

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


def by(request: HttpRequest) -> User:
    """Who asks; the admin lets nobody in who is not signed in."""
    assert isinstance(request.user, User)
    return request.user
