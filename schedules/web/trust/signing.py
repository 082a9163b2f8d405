"""Signing: the record is shown, and anyone who signs proves again who they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from schedules.selectors.trust.pages import in_words, shown_content, signable_in_sight
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.trust.forms import SignForm
from trials.domain.audit.signing import PROOF_HOLDS, How, Proof
from trials.domain.errors import Refused, Stale
from trials.selectors.protocols.approvals import Signable, signing_roles
from trials.services.accounts.proofs import prove_by_password
from trials.services.audit.signatures import sign

REFUSED, OVERTAKEN = 422, 409
USED = "dayzero_signed_with"


@sensitive_post_parameters("password")
@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def signing(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Show what is to be signed, who signed it and the form; sign it, or say why that is not possible."""
    user, instant = user_of(request), now()
    record = signable_in_sight(user, kind, pk, instant, server_day(instant))
    if record is None:
        raise Http404
    roles = signing_roles(user, record.site, record.trial, server_day(instant))
    if request.method == "POST" and not roles:
        raise PermissionDenied(_("Only an investigator of this site and trial signs here."))
    passkey = passkey_proof(request, instant)
    status = REFUSED if request.method == "POST" else 200
    form = SignForm(request.POST or None, initial={"digest": record.digest}, proven=passkey is not None)
    if request.method == "POST" and form.is_valid():
        try:
            return _sign(request, record, form, instant)
        except Refused as refused:
            form.refuse(refused.fields)
        except Stale:
            typed = request.POST.copy()
            typed["digest"] = record.digest
            form, status = SignForm(typed, proven=passkey is not None), OVERTAKEN
    context = _context(request, kind, record, form)
    context |= {"roles": roles, "proven": passkey is not None, "overtaken": status == OVERTAKEN}
    return render(request, "trust/sign.html", context, status=status)


def _sign(request: HttpRequest, record: Signable, form: SignForm, instant: datetime) -> HttpResponse:
    user, given = user_of(request), form.cleaned_data
    proof = passkey_proof(request, instant) or prove_by_password(
        user=user,
        user_name=given.get("user_name", ""),
        password=given.get("password", ""),
        now=instant,
        request=request,
    )
    sign(record=record, meaning=given["meaning"], shown=given["digest"], by=user, proof=proof, now=instant)
    if proof.how is How.PASSKEY:
        request.session[USED] = _latest(request)
    messages.success(request, _("Signed."))
    return redirect(request.path)


def passkey_proof(request: HttpRequest, instant: datetime) -> Proof | None:
    """The proof by a passkey that was shown for this signature: within minutes, and used for no other."""
    at = _latest(request)
    if not at or at == request.session.get(USED):
        return None
    shown = datetime.fromtimestamp(at, tz=instant.tzinfo)
    if not (instant - PROOF_HOLDS < shown <= instant):
        return None
    return Proof(user_of(request).pk, How.PASSKEY, shown, credential=_latest_record(request).get("id"))


def _latest(request: HttpRequest) -> float:
    """When a passkey was last shown again in this session; 0 where that was not the last proof."""
    last = _latest_record(request)
    passkey = last.get("reauthenticated") and last.get("type") == "webauthn"
    return float(last["at"]) if passkey else 0.0


def _latest_record(request: HttpRequest) -> dict[str, Any]:
    records = get_authentication_records(request, user_of(request))
    return records[-1] if records else {}


def _context(request: HttpRequest, kind: str, record: Signable, form: SignForm) -> dict[str, Any]:
    passkeys = is_mfa_enabled(user_of(request), types=["webauthn"])
    again = f"{reverse('mfa_reauthenticate_webauthn')}?next={request.path}" if passkeys else ""
    return {
        "kind": kind,
        "title": _title(kind, record),
        "record": record,
        "content": shown_content(record),
        "signatures": in_words(record),
        "form": form,
        "passkey": again,
        "back": _back(kind, record),
    }


def _back(kind: str, record: Signable) -> str:
    if kind == "approval" and record.trial:
        return reverse("trial", args=[record.trial.pk])
    return reverse("participant" if kind == "schedule" else "deviation", args=[record.object_id])


def _title(kind: str, record: Signable) -> str:
    words = {
        "participant": record.content.get("participant", ""),
        "version": record.content["protocol_version"],
    }
    return {
        "schedule": _("Sign the schedule of %(participant)s"),
        "approval": _("Sign the activation of protocol version %(version)s"),
        "deviation": _("Sign the classification of a deviation of %(participant)s"),
    }[kind] % words
