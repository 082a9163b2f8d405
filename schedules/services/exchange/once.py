"""A request that is sent again is answered again, and done once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from schedules.models import IdempotentAnswer
from trials.domain.errors import DomainError
from trials.models import User

KEPT = timedelta(days=1)


Given = TypeVar("Given", "Answer", "Answer | None")


class KeyReusedError(DomainError):
    """A key came with another request than before."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The status and the body of an answer; `replayed`, and kept since `at`, where it was given before."""

    status: int
    body: str
    replayed: bool = False
    at: datetime | None = None


def answer_once(
    *, user: User, key: str, digest: str, now: datetime, act: Callable[[], Given]
) -> Answer | Given:
    """Give the answer kept under a key, or act and keep the answer, in one transaction.

    A second request with the key waits for the first. `digest` stands for the request: raises
    KeyReusedError where it differs. What `act` raises leaves nothing behind, the key included; where it gives
    None, only the key is gone, and the next request acts again.
    """
    with transaction.atomic():
        IdempotentAnswer.objects.filter(user=user, created_at__lt=now - KEPT).delete()
        try:
            # A savepoint, so that a key that is there does not end the transaction in which it is read.
            with transaction.atomic():
                row = IdempotentAnswer.objects.create(user=user, key=key, digest=digest, created_at=now)
        except IntegrityError:
            kept = IdempotentAnswer.objects.get(user=user, key=key)
            if kept.digest != digest or kept.status is None:
                words = _("This Idempotency-Key was used for another request. Choose a new one for each.")
                raise KeyReusedError(words) from None
            return Answer(kept.status, kept.body, replayed=True, at=kept.created_at)
        answer = act()
        if answer is None:
            row.delete()
            return answer
        row.status, row.body = answer.status, answer.body
        row.save(update_fields=["status", "body"])
        return answer
