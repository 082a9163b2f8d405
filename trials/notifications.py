"""What leaves by e-mail for accounts."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.mail import send_mail
from django.utils.translation import gettext as _

from trials.domain.audit_chain import Stray
from trials.models import AuditSeal


def send_heads(seals: Sequence[AuditSeal], to: Sequence[str]) -> None:
    """Send heads of the audit trail, the newest first, to where nobody here can change them."""
    words = "\n".join(
        f"last: {seal.last}\nhead: {seal.head}\nsealed at: {seal.sealed_at.isoformat()}\n" for seal in seals
    )
    send_mail(f"Dayzero: audit trail sealed up to link {seals[0].last}", words, None, list(to))


def send_strays(strays: Sequence[Stray], to: Sequence[str]) -> None:
    """Tell of entries that do not continue the chain: nobody but a trigger writes entries."""
    said = "".join(f"entry {stray.entry}: {stray.why}\n" for stray in strays[:100])
    words = "These entries of the audit trail were not sealed, because they do not continue it:\n\n" + said
    send_mail(f"Dayzero: {len(strays)} entries stand outside the audit trail", words, None, list(to))


def send_password_link(*, email: str, link: str, hours: int) -> None:
    """Send somebody the link behind which they set their password; the subject names nobody."""
    words = _("Set the password of your Dayzero account here within %(hours)s hours:\n\n%(link)s\n")
    send_mail(_("Your Dayzero account"), words % {"hours": hours, "link": link}, None, [email])
