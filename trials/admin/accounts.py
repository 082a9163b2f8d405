"""Accounts, what they may do, and the keys of machines."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Field, QuerySet
from django.forms import CheckboxSelectMultiple, ModelForm, MultipleChoiceField
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trials import request_clock
from trials.admin.records import (
    InSight,
    ReadOnly,
    by,
    offered,
    scope_of,
    tell,
    today,
)
from trials.domain.accounts.access import Right
from trials.domain.errors import DomainError
from trials.models import (
    ApiAct,
    ApiToken,
    Membership,
    User,
)
from trials.reauthentication import reauthenticated
from trials.selectors.accounts.accounts import (
    accounts_visible_to,
    changeable_accounts,
    tokens_administered_by,
)
from trials.selectors.accounts.memberships import memberships_visible_to
from trials.selectors.records import sites_visible_to, trials_visible_to
from trials.services.accounts.tokens import TokenScope, issue_api_token, revoke_api_token, rotate_api_token

admin.site.unregister(Group)  # what somebody may do is a membership, never a group
PACKAGED = (EmailAddress, Authenticator, SocialApp, SocialToken, SocialAccount)


def leave_out_packaged() -> None:
    """Take the packages' own pages away: second factors are removed under /people/, where owners are told.

    Called once every app has registered its pages; those of the packages come after ours.
    """
    admin.site.unregister([model for model in PACKAGED if admin.site.is_registered(model)])


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
    list_display = ("name", "user", "trial", "site", "last_used_on", "expires_at", "revoked_at")
    list_select_related = ("user", "trial", "site")
    fields = ("user", "name", "trial", "site", "acts", "language", "expires_at")
    actions = ("rotate", "revoke")

    def rows_in_sight(self, request: HttpRequest) -> QuerySet[ApiToken]:
        """Those of the accounts that the reader administers wholly."""
        return tokens_administered_by(by(request), today())

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Those who administer issue tokens."""
        return scope_of(request).allows(Right.ADMINISTER)

    def formfield_for_foreignkey(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """A token may do what its account may, so that must all be the reader's to administer."""
        offered(db_field, "user", changeable_accounts(by(request), today()).filter(is_active=True), kwargs)
        offered(db_field, "trial", trials_visible_to(by(request), today()), kwargs)
        offered(db_field, "site", sites_visible_to(by(request), today()), kwargs)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """The acts one by one."""
        if db_field.name == "acts":
            return MultipleChoiceField(
                choices=ApiAct.choices,
                initial=[ApiAct.READ.value],
                required=False,
                widget=CheckboxSelectMultiple,
                label=db_field.verbose_name,
                help_text=_("Without a choice it reads."),
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        """A key is given out to somebody who has just shown again who they are.

        What is refused after the question is answered at the question's address, so the form names its own.
        """
        add = super().add_view

        def sent(asked: HttpRequest) -> Any:
            return add(asked, form_url or asked.get_full_path(), extra_context)

        return reauthenticated(sent, allow_get=True)(request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """As with the first key, anyone who is given one in its place has just shown again who they are."""
        show = super().changelist_view
        if request.POST.get("action") == "rotate":
            return reauthenticated(lambda asked: show(asked, extra_context))(request)
        return show(request, extra_context)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Those who administer revoke them."""
        return scope_of(request).allows(Right.ADMINISTER)

    def save_model(
        self, request: HttpRequest, obj: ApiToken, form: ModelForm[ApiToken], change: bool
    ) -> None:
        """Issue the token and show its text, this once."""
        token, text = issue_api_token(
            user=obj.user,
            name=obj.name,
            scope=TokenScope(
                obj.trial, obj.site, obj.acts or [ApiAct.READ.value], obj.language, obj.expires_at
            ),
            by=by(request),
        )
        obj.pk, obj._state.adding = token.pk, False  # noqa: SLF001 (what the admin logs and shows)
        messages.warning(request, _("The token, shown only now: %(token)s") % {"token": text})

    @admin.action(description=gettext_lazy("Rotate: the old one goes on for a week"), permissions=["revoke"])
    def rotate(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        """Issue a token in place of each that was chosen, and show its text, this once."""
        for token in tokens.select_related("user", "trial", "site"):
            try:
                _token, text = rotate_api_token(
                    token=token, overlap=timedelta(days=7), now=request_clock.now(), by=by(request)
                )
            except DomainError as refused:
                tell(request, refused)
            else:
                messages.warning(request, _("The token, shown only now: %(token)s") % {"token": text})

    @admin.action(description=gettext_lazy("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        """Close the door to the tokens that were chosen."""
        for token in tokens:
            revoke_api_token(token=token, now=request_clock.now(), by=by(request))
