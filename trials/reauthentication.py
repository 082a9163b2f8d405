"""Who is at the keyboard, asked again before an act that counts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.reauthentication import suspend_request
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.http import urlencode
from django.utils.translation import gettext as _

View = Callable[..., HttpResponseBase]


def reauthenticated(view: View | None = None, *, allow_get: bool = False) -> Any:
    """Let a view be reached only by somebody who has just shown again who they are.

    Otherwise they are asked for password, code or passkey, and what they had sent is sent again
    for them. The answer then stands at the address of the question, so a form on it names its own as
    its action. `allow_get`: looking at the form asks nothing. It holds for
    ACCOUNT_REAUTHENTICATION_TIMEOUT seconds.
    """
    if view is None:
        return lambda inner: reauthenticated(inner, allow_get=allow_get)
    guarded = reauthentication_required(view, allow_get=allow_get)

    @login_required
    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        methods = get_adapter().get_reauthentication_methods(request.user)
        if not methods:
            raise PermissionDenied(
                _("You are asked to confirm who you are. Add a passkey to your account first.")
            )
        try:
            answer: HttpResponseBase = guarded(request, *args, **kwargs)
        except ReauthenticationRequired:
            if request.method != "POST":
                raise
            # allauth sends again what was posted only where `next` is the path without its query,
            # and would ask for the path with it
            suspend_request(request, methods[0]["url"])
            return HttpResponseRedirect(f"{methods[0]['url']}?{urlencode({'next': request.path})}")
        return answer

    return asked
