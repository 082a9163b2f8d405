"""What leaves by e-mail for accounts."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.mail import send_mail
from django.utils.translation import gettext as _

from trials.models import AuditSeal


def send_head(seal: AuditSeal, to: Sequence[str]) -> None:
    """Send the head of a seal of the audit trail to where nobody here can change it."""
    words = f"last: {seal.last}\nhead: {seal.head}\nsealed at: {seal.sealed_at.isoformat()}\n"
    send_mail(f"Dayzero: audit trail sealed up to link {seal.last}", words, None, list(to))


def send_password_link(*, email: str, link: str, hours: int) -> None:
    """Send somebody the link behind which they set their password; the subject names nobody."""
    words = _("Set the password of your Dayzero account here within %(hours)s hours:\n\n%(link)s\n")
    send_mail(_("Your Dayzero account"), words % {"hours": hours, "link": link}, None, [email])
