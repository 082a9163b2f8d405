"""How the admin shows records: set-up may be changed, trial data only read, and nothing is deleted."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline

from trials.domain.access import Right
from trials.domain.errors import DomainError
from trials.models import Site, Trial, User
from trials.selectors import may


class SetUp(ModelAdmin):
    """Records that set the stage: added and changed by those who may, never deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes a record."""
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
    """Records under another record, to be read."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Services add them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Services change them."""
        return False


def user_may(
    request: HttpRequest, right: Right, site: Site | None = None, trial: Trial | None = None
) -> bool:
    """Whether whoever asks has this right on this day, there or (without a place) anywhere."""
    user = request.user
    return isinstance(user, User) and may(user, right, site, trial, timezone.localdate())


def tell(request: HttpRequest, error: DomainError) -> None:
    """Say in the admin why something was refused."""
    messages.error(request, str(error))
