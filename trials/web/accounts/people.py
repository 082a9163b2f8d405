"""Accounts, for those who administer: opened, deactivated, given a link to a password."""

from __future__ import annotations

from collections.abc import Callable

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from trials import request_clock
from trials.domain.accounts.accounts import AccountError
from trials.domain.errors import Refused
from trials.models import User
from trials.notifications import send_password_link
from trials.reauthentication import reauthenticated
from trials.selectors.accounts.account_changes import changes_of
from trials.selectors.accounts.accounts import (
    accounts_visible_to,
    administers_everything,
    failed_sign_ins,
    may_change_account,
    second_factors_of,
)
from trials.services.accounts.account_changes import confirm_changes
from trials.services.accounts.accounts import (
    correct_account,
    deactivate_account,
    open_account,
    reactivate_account,
    record_password_link,
    remove_second_factors,
)
from trials.web.accounts.administrators import administrator_of
from trials.web.accounts.people_forms import CorrectionForm, OpeningForm, ReasonForm, in_words
from trials.web.shared.query_params import query_params

PER_PAGE = 50
REFUSED = 422
ELSEWHERE = gettext_lazy("This account also has roles where you do not administer.")


@login_required
@require_GET
@query_params("name")
def people(request: HttpRequest) -> HttpResponse:
    """The accounts that one administers."""
    user, today = administrator_of(request)
    accounts = accounts_visible_to(user, today).filter(
        username__icontains=request.GET.get("name", "").strip()
    )
    page = Paginator(accounts, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "all": administers_everything(user, today)}
    return render(request, "people/list.html", context)


@never_cache
@reauthenticated(allow_get=True)
def opening(request: HttpRequest) -> HttpResponse:
    """Open an account, and give out the link behind which its owner sets a password."""
    user, _today = administrator_of(request)
    form = OpeningForm(request.POST or None)
    if form.is_valid():
        try:
            account = open_account(by=user, **form.cleaned_data)
        except AccountError as error:
            form.add_error(error.field, in_words(error))
        else:
            messages.success(
                request, _("The account %(name)s has been created.") % {"name": account.username}
            )
            return _give_link(request, account, form.cleaned_data["reason"])
    return render(request, "people/open.html", {"form": form}, status=REFUSED if form.errors else 200)


@never_cache
@reauthenticated(allow_get=True)
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One account, and what can be done to it."""
    user, today = administrator_of(request)
    account = get_object_or_404(accounts_visible_to(user, today), pk=pk)
    may_change = may_change_account(user, account, today)
    form = ReasonForm(request.POST or None)
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied(ELSEWHERE)
        if form.is_valid():
            try:
                return _act(request, account, form)
            except AccountError as error:
                form.add_error(None, in_words(error))
            except Refused as refused:
                form.add_error(None, str(refused))
    changes = changes_of([account.pk]).get(account.pk, [])
    context = {"account": account, "form": form, "may_change": may_change, "changes": changes}
    context["memberships"] = account.memberships.select_related("site", "trial").order_by("-starts_on")
    context["unresolved"] = any(change.resolved_at is None for change in changes)
    context["factors"] = second_factors_of(account).count()
    return render(request, "people/person.html", context, status=REFUSED if form.errors else 200)


def _act(request: HttpRequest, account: User, form: ReasonForm) -> HttpResponse:
    reason, (by, today) = form.cleaned_data["reason"], administrator_of(request)
    if form.cleaned_data["action"] == "link":
        return _give_link(request, account, reason)
    if form.cleaned_data["action"] == "factors":
        remove_second_factors(
            user=account, by=by, reason=reason, now=request_clock.now(), link=request.build_absolute_uri
        )
        messages.success(request, _("The second factors are removed. The owner of the account is told."))
        return redirect("person", pk=account.pk)
    if form.cleaned_data["action"] == "confirm":
        confirm_changes(user=account, by=by, reason=reason, now=request_clock.now(), today=today)
        messages.success(request, _("The changes are confirmed. The account may sign again."))
        return redirect("person", pk=account.pk)
    service, words = ACTIONS[form.cleaned_data["action"]]
    service(user=account, by=by, reason=reason)
    messages.success(request, str(words))
    return redirect("person", pk=account.pk)


ACTIONS: dict[str, tuple[Callable[..., object], object]] = {
    "deactivate": (deactivate_account, gettext_lazy("The account is deactivated.")),
    "reactivate": (reactivate_account, gettext_lazy("The account is open again.")),
}


def _give_link(request: HttpRequest, account: User, reason: str) -> HttpResponse:
    """Send the link by e-mail where e-mail leaves, else show it this once."""
    by, now = administrator_of(request)[0], request_clock.now()
    record_password_link(user=account, now=now, by=by, reason=reason, link=request.build_absolute_uri)
    key = f"{user_pk_to_url_str(account)}-{default_token_generator.make_token(account)}".partition("-")
    address = reverse("account_reset_password_from_key", kwargs={"uidb36": key[0], "key": key[2]})
    link, hours = request.build_absolute_uri(address), settings.PASSWORD_RESET_TIMEOUT // 3600
    if settings.REMINDERS_LEAVE and account.email:
        send_password_link(email=account.email, link=link, hours=hours)
        messages.success(request, _("The link to set a password is sent to the account's own e-mail."))
        return redirect("person", pk=account.pk)
    return render(request, "people/link.html", {"account": account, "link": link, "hours": hours})


@never_cache
@reauthenticated(allow_get=True)
def correction(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct the printed name or the e-mail address of an account."""
    user, today = administrator_of(request)
    account = get_object_or_404(accounts_visible_to(user, today), pk=pk)
    if not may_change_account(user, account, today):
        raise PermissionDenied(ELSEWHERE)
    form = CorrectionForm(
        request.POST or None, initial={"name": account.get_full_name(), "email": account.email}
    )
    if form.is_valid():
        correct_account(user=account, by=user, link=request.build_absolute_uri, **form.cleaned_data)
        return redirect("person", pk=pk)
    context = {"account": account, "form": form}
    return render(request, "people/correct.html", context, status=REFUSED if form.errors else 200)


@login_required
@require_GET
@query_params("name")
def failures(request: HttpRequest) -> HttpResponse:
    """Every sign-in that failed, for those who administer everything."""
    user, today = administrator_of(request)
    if not administers_everything(user, today):
        raise PermissionDenied(_("Only those who administer every site may look at failed sign-ins."))
    found = failed_sign_ins(user, today)
    if name := request.GET.get("name", "").strip().lower():
        found = found.filter(username=name)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "people/failures.html", {"page": page})
