"""Who may read the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext, gettext_lazy
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request

from trials import request_clock
from trials.api.authentication import client_of
from trials.domain.accounts.access import Right
from trials.models import ApiAct, User
from trials.selectors.records import roles_of
from trials.zones import roles_day

if TYPE_CHECKING:  # the views read the settings, and these name this module
    from rest_framework.views import APIView


class ReadsParticipants(IsAuthenticated):
    """Lets in those who may look at participants somewhere today.

    Without it a machine whose account lost its role reads an empty list, and takes it for an empty trial.
    """

    message = gettext_lazy(
        "This account has no role today that shows participants and visits. Ask an administrator for one."
    )

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether any role of today shows participants; the server's day, on which roles are held."""
        user = request.user
        if not super().has_permission(request, view) or not isinstance(user, User):
            return False
        client = client_of(request)
        if client and ApiAct.READ.value not in client.acts and request.method in SAFE_METHODS:
            return False
        today = roles_day(request_clock.now())
        return roles_of(user, today).allows(Right.VIEW)


def require_act(request: Request, act: ApiAct) -> None:
    """Raise PermissionDenied for a machine whose token does not hold this act."""
    client = client_of(request)
    if client and act.value not in client.acts:
        words = gettext("This token may not do that: it lacks “%(act)s”. Ask an administrator for another.")
        raise PermissionDenied(words % {"act": act.value}, code="act_not_allowed")
